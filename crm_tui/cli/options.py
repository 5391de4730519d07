"""The options that several verbs share; their help is a catalog key, spoken when the program is built."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any

import typer

from crm_tui.cli.terminal import ROW_LIMIT, USAGE, Listing, Shape, fail, listing
from crm_tui.i18n import t

AsJson = Annotated[bool, typer.Option("--json", help="cli.help.json")]
AsCsv = Annotated[bool, typer.Option("--csv", help="cli.help.csv")]
Plain = Annotated[bool, typer.Option("--plain", help="cli.help.plain")]
Limit = Annotated[int, typer.Option("--limit", min=0, help="cli.help.limit")]
Columns = Annotated[str, typer.Option("--columns", help="cli.help.columns")]
FailEmpty = Annotated[bool, typer.Option("--fail-empty", help="cli.help.fail_empty")]
Clear = Annotated[bool, typer.Option("--clear", help="cli.help.clear")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="cli.help.dry_run")]
Who = Annotated[str, typer.Argument(help="cli.help.who")]

Verb = Callable[..., None]


def takes(**makers: Callable[..., object]) -> Callable[[Verb], Verb]:
    """Let parameters of a verb be made of options: those that each maker asks for.

    ``@takes(wanted=wanted_list)`` gives a verb all options of a list, and in ``wanted`` what they mean.
    """
    asked = {name: _parameters(maker) for name, maker in makers.items()}

    def decorate(verb: Verb) -> Verb:
        @wraps(verb)
        def joined(**given: Any) -> None:
            for name, parameters in asked.items():
                given[name] = makers[name](**{one.name: given.pop(one.name) for one in parameters})
            verb(**given)

        own = [one for one in _parameters(verb) if one.name not in makers]
        options = [one for parameters in asked.values() for one in parameters]
        vars(joined)["__signature__"] = Signature([*own, *options])  # what typer reads
        return joined

    return decorate


def _parameters(maker: Callable[..., object]) -> list[Parameter]:
    return list(signature(maker, eval_str=True).parameters.values())


def wanted_list(
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    plain: Plain = False,
    limit: Limit = ROW_LIMIT,
    columns: Columns = "",
    fail_empty: FailEmpty = False,
) -> Listing:
    """Return how a list is wanted; more than ROW_LIMIT rows need an approval."""
    return listing(
        as_json=as_json, as_csv=as_csv, plain=plain, limit=limit, columns=columns, fail_empty=fail_empty
    )


def wanted_shape(*, as_json: AsJson = False, plain: Plain = False) -> Shape:
    """Return how one thing, which is no list, is wanted: for people, as lines or as JSON."""
    if as_json and plain:
        fail(t("cli.one_shape"), USAGE)
    return Shape.JSON if as_json else Shape.PLAIN if plain else Shape.TABLE
