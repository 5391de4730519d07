"""The options that several verbs share; their help is a catalog key, spoken when the program is built."""

from __future__ import annotations

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="cli.help.json")]
AsCsv = Annotated[bool, typer.Option("--csv", help="cli.help.csv")]
Plain = Annotated[bool, typer.Option("--plain", help="cli.help.plain")]
Limit = Annotated[int, typer.Option("--limit", min=0, help="cli.help.limit")]
Columns = Annotated[str, typer.Option("--columns", help="cli.help.columns")]
FailEmpty = Annotated[bool, typer.Option("--fail-empty", help="cli.help.fail_empty")]
Clear = Annotated[bool, typer.Option("--clear", help="cli.help.clear")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="cli.help.dry_run")]
Who = Annotated[str, typer.Argument(help="cli.help.who")]
