"""Steps of one deed: a command, or one that is only known from what those before it made.

The deal of a customer just taken in needs the customer's id, which its command makes. A step that is
not yet a command is asked for it when its turn comes, within the same transaction; what is sealed and
sent is the finished command, so that a replay needs nothing of this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from crm_tui.commands.base import Command

Made = Mapping[str, Any]
"""The details of the commands applied so far in this deed, later ones over earlier ones."""

Later = Callable[[Made], Command | None]
"""Builds a command from what was made before it; None where that is missing and the step is left out."""

Step = Command | Later


def command_of(step: Step, made: Made) -> Command | None:
    """Return the command of a step whose turn has come."""
    return step if isinstance(step, Command) else step(made)
