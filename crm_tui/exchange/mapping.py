"""Which column fills which field: mapping files in TOML, and a first guess for the wizard."""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from crm_tui.domain.errors import Refused
from crm_tui.exchange.fields import FIELDS, KINDS, FieldInfo, alias_index, field_info, folded
from crm_tui.exchange.writing import atomic_file

MoneyUnit = Literal["yuan", "fen"]
DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S")

CREATABLE = ("customers", "people", "lines")

_SECTIONS = {"kind", "columns", "values", "dates", "defaults", "options"}
_JOINT = "; "


@dataclass(frozen=True, slots=True)
class Options:
    """How the file is written; empty means: found out. ``money`` tells what an amount of 1 is.

    ``create`` names what an import of deals may bring into being where a name matches nothing.
    """

    delimiter: str = ""
    encoding: str = ""
    sheet: str = ""
    money: MoneyUnit = "yuan"
    create: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mapping:
    """What the columns of one file mean: header -> fields, aliases of values, date formats, defaults."""

    kind: str
    columns: ReadOnly[str, tuple[str, ...]]
    values: ReadOnly[str, ReadOnly[str, str]] = field(default_factory=dict)
    date_formats: tuple[str, ...] = DATE_FORMATS
    defaults: ReadOnly[str, str] = field(default_factory=dict)
    options: Options = field(default_factory=Options)

    def bind(self, header: Sequence[str]) -> Binding:
        """Return the reader of rows under ``header``; Refused when a column named here is not there."""
        places = {name: at for at, name in enumerate(header)}
        absent = [name for name in self.columns if name not in places]
        if absent:
            raise Refused("mapping_column_absent", columns=", ".join(absent))
        filled: dict[str, list[int]] = {}
        for name, keys in self.columns.items():
            for key in keys:
                filled.setdefault(key, []).append(places[name])
        unused = tuple(name for name in header if name not in self.columns)
        return Binding(self, {key: tuple(sorted(at)) for key, at in filled.items()}, unused)

    def missing(self) -> tuple[str, ...]:
        """Return the required fields that no column and no default fills."""
        given = {key for keys in self.columns.values() for key in keys} | set(self.defaults)
        return tuple(info.key for info in FIELDS[self.kind] if info.required and info.key not in given)


@dataclass(frozen=True, slots=True)
class Binding:
    """A mapping bound to a header; ``unused`` are the columns that go nowhere."""

    mapping: Mapping
    places: ReadOnly[str, tuple[int, ...]]
    unused: tuple[str, ...]

    def record(self, cells: Sequence[str]) -> dict[str, str]:
        """Return field -> text of one row: trimmed, aliases of values applied, defaults where empty."""
        filled = dict(self.mapping.defaults)
        for key, places in self.places.items():
            if len(places) == 1:
                text = cells[places[0]].strip()
                value = self._alias(key, text) if text and self.mapping.values else text
            else:
                parts = dict.fromkeys(text for at in places if (text := cells[at].strip()))
                value = _JOINT.join(self._alias(key, part) for part in parts)
            if value:
                filled[key] = value
            else:
                filled.setdefault(key, "")
        return filled

    def _alias(self, key: str, value: str) -> str:
        aliases = self.mapping.values.get(key)
        if not aliases:
            return value
        if value in aliases:
            return aliases[value]
        return next((to for alias, to in aliases.items() if alias.casefold() == value.casefold()), value)


@dataclass(frozen=True, slots=True)
class Guess:
    """A proposed mapping: how sure each column is (0 to 1), columns left over, required fields missing."""

    mapping: Mapping
    confidence: ReadOnly[str, float]
    leftover: tuple[str, ...]
    missing: tuple[str, ...]


def guess_mapping(kind: str, header: Iterable[str]) -> Guess:
    """Propose fields for ``header``: a known word is sure (1.0), one that contains a known Chinese word 0.5.

    A field is given once, to the surest column, unless it may be filled by several.
    """
    _require_kind(kind)
    names = tuple(header)
    candidates: list[tuple[float, int, str]] = []
    for at, name in enumerate(names):
        key, confidence = _meaning(kind, name)
        if key:
            candidates.append((confidence, at, key))
    columns: dict[str, tuple[str, ...]] = {}
    sure: dict[str, float] = {}
    for confidence, at, key in sorted(candidates, key=lambda found: (-found[0], found[1])):
        if (key,) not in columns.values() or _info(kind, key).joins:
            columns[names[at]] = (key,)
            sure[names[at]] = confidence
    mapping = Mapping(kind, {name: columns[name] for name in names if name in columns})
    leftover = tuple(name for name in names if name not in columns)
    return Guess(mapping, sure, leftover, mapping.missing())


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file; raises Refused with a ``mapping_*`` code for whatever it cannot mean."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Refused("mapping_unreadable", path=path.name, reason=error.strerror or "") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refused("mapping_bad_toml", path=path.name, reason=str(error)) from error
    return mapping_from(document)


def mapping_from(document: ReadOnly[str, object]) -> Mapping:
    """Turn the content of a mapping file into a Mapping; every name and value is checked."""
    _require_known("mapping", document, _SECTIONS)
    kind = str(document.get("kind", ""))
    _require_kind(kind)
    columns = {name: _keys(kind, keys) for name, keys in _table(document, "columns").items()}
    if not columns:
        raise Refused("mapping_no_columns")
    _refuse_twice(kind, columns)
    values = {
        _info(kind, key).key: _texts(f"values.{key}", aliases)
        for key, aliases in _flat(_table(document, "values")).items()
    }
    defaults = _texts("defaults", _table(document, "defaults"))
    for key in defaults:
        _info(kind, key)
    mapping = Mapping(kind, columns, values, _formats(document), defaults, _options(document))
    if missing := mapping.missing():
        raise Refused("mapping_field_missing", fields=", ".join(missing))
    return mapping


def save_mapping(path: Path, mapping: Mapping) -> None:
    """Write ``mapping`` so that ``load_mapping`` gives it back."""
    lines = [f"kind = {_quoted(mapping.kind)}", "", "[columns]"]
    for name, keys in mapping.columns.items():
        listed = ", ".join(map(_quoted, keys))
        lines.append(f"{_quoted(name)} = {listed if len(keys) == 1 else f'[{listed}]'}")
    for key, aliases in mapping.values.items():
        lines += ["", f"[values.{_quoted(key)}]", *_pairs(aliases)]
    lines += ["", "[dates]", f"formats = [{', '.join(map(_quoted, mapping.date_formats))}]"]
    if mapping.defaults:
        lines += ["", "[defaults]", *_pairs(mapping.defaults)]
    options = mapping.options
    given = {"delimiter": options.delimiter, "encoding": options.encoding, "sheet": options.sheet}
    given["create"] = ", ".join(options.create)
    kept = {name: value for name, value in given.items() if value} | {"money": options.money}
    lines += ["", "[options]", *_pairs(kept), ""]
    with atomic_file(path) as file:
        file.write("\n".join(lines).encode())


def _meaning(kind: str, name: str) -> tuple[str, float]:
    index, word = alias_index(kind), folded(name)
    if word in index:
        return index[word], 1.0
    inside = [alias for alias in index if len(alias) >= 2 and not alias.isascii() and alias in word]
    if not inside:
        return "", 0.0
    # in a Chinese header what it is comes last (客户备注 is a remark); English words mislead too often
    return index[max(inside, key=lambda alias: (word.rfind(alias) + len(alias), len(alias)))], 0.5


def _require_kind(kind: str) -> None:
    if kind not in FIELDS:
        raise Refused("mapping_unknown_kind", kind=kind, kinds=", ".join(KINDS))


def _info(kind: str, key: str) -> FieldInfo:
    info = field_info(kind, key)
    if info is None:
        known = ", ".join(each.key for each in FIELDS[kind])
        raise Refused("mapping_unknown_field", field=key, kind=kind, fields=known)
    return info


def _keys(kind: str, given: object) -> tuple[str, ...]:
    keys = given if isinstance(given, list) else [given]
    return tuple(_info(kind, str(key)).key for key in keys)


def _refuse_twice(kind: str, columns: ReadOnly[str, tuple[str, ...]]) -> None:
    used = Counter(key for keys in columns.values() for key in keys)
    for key, times in used.items():
        if times > 1 and not _info(kind, key).joins:
            raise Refused("mapping_field_twice", field=key)


def _require_known(section: str, given: Iterable[str], known: Iterable[str]) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise Refused("mapping_unknown_setting", section=section, names=", ".join(unknown))


def _table(document: ReadOnly[str, object], name: str) -> dict[str, object]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise Refused("mapping_bad_setting", section=name, value=str(table)[:80])
    return table


def _flat(values: dict[str, object]) -> dict[str, object]:
    """Let ``[values.extra.color]`` stand for the field ``extra.color``."""
    extra = values.get("extra")
    if not isinstance(extra, dict):
        return values
    return {key: value for key, value in values.items() if key != "extra"} | {
        f"extra.{name}": aliases for name, aliases in extra.items()
    }


def _texts(section: str, table: object) -> dict[str, str]:
    """Return a table of texts; numbers and truth values are taken as they are written in the file."""
    if not isinstance(table, dict):
        raise Refused("mapping_bad_setting", section=section, value=str(table)[:80])
    for value in table.values():
        if not isinstance(value, str | int):
            raise Refused("mapping_bad_setting", section=section, value=str(value)[:80])
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in table.items()
    }


def _formats(document: ReadOnly[str, object]) -> tuple[str, ...]:
    dates = _table(document, "dates")
    _require_known("dates", dates, ("formats",))
    formats = dates.get("formats", list(DATE_FORMATS))
    if not isinstance(formats, list) or not formats:
        raise Refused("mapping_bad_setting", section="dates.formats", value=str(formats)[:80])
    return tuple(_checked_format(str(each)) for each in formats)


def _checked_format(layout: str) -> str:
    """Return a date format that gives back the day it wrote, else refuse it."""
    day = dt.datetime(2017, 11, 23)  # noqa: DTZ001 - a day on paper has no zone
    try:
        same = dt.datetime.strptime(day.strftime(layout), layout).date() == day.date()  # noqa: DTZ007 - the same
    except ValueError:
        same = False
    if not same:
        raise Refused("mapping_bad_date_format", format=layout)
    return layout


def _options(document: ReadOnly[str, object]) -> Options:
    given = _texts("options", _table(document, "options"))
    _require_known("options", given, ("delimiter", "encoding", "sheet", "money", "create"))
    money = given.get("money", "yuan")
    if money not in ("yuan", "fen"):
        raise Refused("mapping_bad_setting", section="options.money", value=money)
    create = tuple(word.strip() for word in given.get("create", "").split(",") if word.strip())
    if unknown := [word for word in create if word not in CREATABLE]:
        raise Refused("mapping_bad_setting", section="options.create", value=", ".join(unknown))
    return Options(
        delimiter=given.get("delimiter", ""),
        encoding=given.get("encoding", ""),
        sheet=given.get("sheet", ""),
        money="fen" if money == "fen" else "yuan",
        create=create,
    )


def _pairs(table: ReadOnly[str, str]) -> list[str]:
    return [f"{_quoted(name)} = {_quoted(value)}" for name, value in table.items()]


def _quoted(text: str) -> str:
    """Return a TOML basic string; its escapes are those of JSON, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
