"""From the texts of one row to the plain values that the command takes in; the command checks them again."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from crm_tui.domain.errors import Refused
from crm_tui.domain.identity import split_phones
from crm_tui.domain.identity.mobile import mobile_e164
from crm_tui.exchange.converting import to_day, to_fen, to_integer
from crm_tui.exchange.fields import EXTRA, field_info
from crm_tui.exchange.mapping import Binding
from crm_tui.exchange.table import Row, Table

_RENAMED = {("products", "line"): "line_name", ("deals", "line"): "line_name"}
_ASIDE: Mapping[str, frozenset[str]] = {
    "customers": frozenset({"industry", "employees", "revenue", "founded_year"}),
    "deals": frozenset({"collaborator", "note"}),
    "leads": frozenset({"note"}),
}
"""Fields without a column of their own: they go into the row's extra, under their own name."""

_WORDS: Mapping[tuple[str, str], Mapping[str, tuple[str, ...]]] = {
    ("people", "role"): {
        "clerk": ("店员", "销售", "销售员", "销售顾问", "导购", "业务员", "员工", "sales agent", "sales rep"),
        "supervisor": ("主管", "组长", "班组长", "team leader"),
        "branch_manager": ("店长", "门店经理", "分店经理", "manager", "branch manager", "shop manager"),
        "regional_manager": ("区域经理", "大区经理", "regional manager"),
        "director": ("总监", "总经理", "director"),
        "finance": ("财务", "会计", "finance"),
        "administrator": ("管理员", "系统管理员", "admin"),
    },
    ("people", "status"): {
        "active": ("在职", "正常", "启用"),
        "frozen": ("停用", "冻结", "disabled"),
        "left": ("离职", "已离职", "resigned"),
    },
    ("products", "active"): {
        "true": ("是", "启用", "在售", "上架", "1", "yes", "y"),
        "false": ("否", "停用", "停售", "下架", "0", "no", "n"),
    },
    ("customers", "kind"): {
        "person": ("个人", "个人客户", "自然人", "individual", "consumer"),
        "firm": ("公司", "企业", "单位", "企业客户", "company", "organization", "organisation", "business"),
    },
    ("leads", "status"): {
        "new": ("新", "新线索", "未处理"),
        "following": ("跟进中", "open", "working"),
        "converted": ("已转化", "已转客户", "qualified", "won"),
        "invalid": ("无效", "已关闭", "unqualified", "lost"),
    },
}
_TAG_ENDS = re.compile(r"[;,、，；|\n]")
_LEVEL_ENDS = re.compile(r"[级类等\s]+\Z")


class Preparer:
    """Turns the rows of one table into what the command takes, by one mapping."""

    def __init__(self, table: Table, binding: Binding) -> None:
        self._table = table
        self._binding = binding
        self._kind = binding.mapping.kind
        self._known: dict[str, tuple[str, Callable[[str], Any]]] = {}

    def prepare(self, row: Row) -> dict[str, Any]:
        """Return the row's plain values; empty cells are left out and change nothing.

        Raises:
            Refused: what a value may be refused for.
        """
        made: dict[str, Any] = {"line": row.line}
        for key, text in self._binding.record(row.cells).items():
            if not text:
                continue
            place, convert = self._known.get(key) or self._learn(key)
            value = convert(text)
            if place.startswith(EXTRA):
                made.setdefault("extra", {})[place.removeprefix(EXTRA)] = value
            else:
                made[place] = value
        return made

    def _learn(self, key: str) -> tuple[str, Callable[[str], Any]]:
        aside = key in _ASIDE.get(self._kind, frozenset())
        place = EXTRA + key if aside else _RENAMED.get((self._kind, key), key)
        self._known[key] = (place, self._converter(key))
        return self._known[key]

    def _converter(self, key: str) -> Callable[[str], Any]:
        """Return the function from text to plain value of one field."""
        info = field_info(self._kind, key)
        simple: dict[str, Callable[[str], Any]] = {
            "phones": _phones,
            "day": self._day,
            "money": self._money,
            "integer": lambda text: str(to_integer(text)),
            "level": _level,
            "tags": _tags,
            "choice": self._choice(key),
        }
        return simple.get(info.type if info else "text", str)

    def _day(self, text: str) -> str | None:
        day = to_day(
            text,
            self._binding.mapping.date_formats,
            serial=self._table.serial_days,
            epoch_1904=self._table.epoch_1904,
        )
        return day.isoformat() if day else None

    def _money(self, text: str) -> int | None:
        fen = to_fen(text, self._binding.mapping.options.money)
        if fen is not None and fen < 0:
            raise Refused("money_negative", text=text[:40])
        return fen

    def _choice(self, key: str) -> Callable[[str], Any]:
        words = {
            word: meaning
            for meaning, others in _WORDS.get((self._kind, key), {}).items()
            for word in (meaning, *others)
        }
        truth = {"true": True, "false": False} if key == "active" else {}

        def choose(text: str) -> Any:
            folded = unicodedata.normalize("NFKC", text).strip().casefold()
            meaning = words.get(folded, text)
            return truth.get(meaning, meaning)

        return choose


def _phones(text: str) -> list[str]:
    return [text] if mobile_e164(text) else split_phones(text)


def _tags(text: str) -> list[str]:
    return [tag for part in _TAG_ENDS.split(text) if (tag := part.strip().removeprefix("#"))]


def _level(text: str) -> str:
    return _LEVEL_ENDS.sub("", unicodedata.normalize("NFKC", text).strip()).upper()
