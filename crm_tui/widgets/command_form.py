"""Any command as a form: the fields are drawn from its class, the answers become the command again."""

from __future__ import annotations

import types
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ValidationError

from crm_tui.commands.base import Fen
from crm_tui.commands.invalid import objection
from crm_tui.domain.errors import Refused
from crm_tui.domain.moment import parse_day
from crm_tui.domain.money import format_money, parse_money
from crm_tui.i18n import knows, t
from crm_tui.widgets.field_row import FieldSpec, Value
from crm_tui.widgets.fields import Choice
from crm_tui.widgets.refusal import refused

Answers = Mapping[str, Value]
Choices = Mapping[str, Sequence[Choice]]

_YES, _NO = "yes", "no"
_PARSERS: Final[Mapping[object, Callable[[str], object]]] = {
    int: int,
    date: parse_day,
    Fen: parse_money,
    bool: lambda typed: typed == _YES,
}


def kind_of(model: type[BaseModel]) -> str:
    """Return the word under which a model's labels stand in the catalogs."""
    return str(getattr(model, "kind", "") or model.__name__.lower())


def specs_of(
    model: type[BaseModel], *, hidden: Collection[str] = (), choices: Choices | None = None
) -> list[FieldSpec]:
    """Return the fields of a command as a form has them; ``choices`` offers values for the ids among them."""
    offered = choices or {}
    hints = get_type_hints(model, include_extras=True)
    return [
        _spec(kind_of(model), name, hints[name], offered.get(name), mandatory=field.is_required())
        for name, field in model.model_fields.items()
        if name not in hidden
    ]


def answers_of(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Value]:
    """Return values of a row the way the fields of the form hold them."""
    hints = get_type_hints(model, include_extras=True)
    return {name: _shown(_bare(hints[name]), value) for name, value in values.items() if name in hints}


def filled(
    model: type[BaseModel], answers: Answers, fixed: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the arguments of a command from a form; an empty optional field is left to its default.

    Raises:
        Refused: command_invalid, or what an amount or a day is refused for.
    """
    hints = get_type_hints(model, include_extras=True)
    found: dict[str, Any] = dict(fixed or {})
    for name, answer in answers.items():
        if answer or isinstance(answer, tuple):
            found[name] = _parsed(name, _bare(hints[name]), answer)
    return found


def built(model: type[BaseModel], arguments: Mapping[str, Any]) -> Any:
    """Return the command; raises Refused command_invalid (field, why)."""
    try:
        return model.model_validate(dict(arguments))
    except ValidationError as error:
        no = objection(error)
        no["field"] = _label(kind_of(model), no["field"].partition(".")[0])
        raise Refused("command_invalid", **no) from error


def _spec(kind: str, name: str, hint: Any, offered: Sequence[Choice] | None, *, mandatory: bool) -> FieldSpec:
    plain = _bare(hint)
    label = _label(kind, name)
    several = get_origin(plain) is tuple
    values = list(offered) if offered is not None else _values(kind, name, plain)
    if values or offered is not None:
        return FieldSpec(
            name,
            label,
            "choices" if several else "choice",
            mandatory=mandatory and not several,
            choices=values,
        )
    return FieldSpec(name, label, mandatory=mandatory, check=_check(name, plain))


def _values(kind: str, name: str, plain: Any) -> list[Choice]:
    if plain is bool:
        return [Choice(one, t(f"field.{one}")) for one in (_YES, _NO)]
    words = get_args(plain) if get_origin(plain) is Literal else ()
    if isinstance(plain, type) and issubclass(plain, StrEnum):
        words = tuple(plain)
    return [Choice(str(word), _value_label(kind, name, str(word))) for word in words]


def _value_label(kind: str, name: str, word: str) -> str:
    keys = (f"command.{kind}.{name}.{word}", f"field.{name}.{word}", f"{name}.{word}")
    return next((t(key) for key in keys if knows(key)), word)


def _label(kind: str, name: str) -> str:
    keys = (f"command.{kind}.{name}", f"field.{name}", f"work.field.{name}")
    return next((t(key) for key in keys if knows(key)), name)


def _check(name: str, plain: Any) -> Callable[[str], str] | None:
    if plain not in _PARSERS:
        return None

    def check(typed: str) -> str:
        try:
            _parsed(name, plain, typed)
        except Refused as no:
            return refused(no)
        return ""

    return check


def _parsed(name: str, plain: Any, answer: Value) -> object:
    parse = _PARSERS.get(plain)
    if parse is None or not isinstance(answer, str):
        return answer
    try:
        return parse(answer)
    except ValueError as error:
        raise Refused("not_an_integer", value=answer, field=name) from error


def _shown(plain: Any, value: Any) -> Value:
    if value is None:
        return ""
    if plain is bool:
        return _YES if value else _NO
    if plain == Fen:
        return format_money(value)
    return tuple(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def _bare(hint: Any) -> Any:
    """Return what a field holds, without ``| None`` and without what only checks it; amounts stay Fen."""
    if get_origin(hint) in {Union, types.UnionType}:
        hint = next(one for one in get_args(hint) if one is not type(None))
    if get_origin(hint) is Annotated and hint != Fen:
        hint = get_args(hint)[0]
    return hint
