"""From the text of a cell to a day, fen or a whole number: the same answer for CSV and workbooks."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from crm_tui.domain.errors import Refused
from crm_tui.exchange.mapping import MoneyUnit

_EPOCH = dt.date(1899, 12, 30)  # serial 1 is 1900-01-01 to people, and 1900 had a 29 February to spreadsheets
_EPOCH_1904 = dt.date(1904, 1, 1)
_SERIAL = re.compile(r"[0-9]{1,7}(\.[0-9]+)?\Z")
_LAST_SERIAL = 2_958_465  # 9999-12-31
_MONEY = re.compile(
    r"([+-]?)(?:CNY|RMB|[¥￥$])?([+-]?)([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)?(\.[0-9]*)?(万)?元?\Z"
)
_MOST_FEN = 10**15


def to_day(
    text: str, formats: Sequence[str], *, serial: bool = False, epoch_1904: bool = False
) -> dt.date | None:
    """Return the day of ``text`` by the first format that fits, None for an empty cell.

    ``serial`` admits the bare day number of a workbook cell that is not formatted as a date (33239 is
    1991-01-01). A time of day is dropped. Raises ``Refused("not_a_day")``.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    if not plain:
        return None
    for layout in formats:
        try:
            return dt.datetime.strptime(plain, layout).date()  # noqa: DTZ007 - a day on paper has no zone
        except ValueError:
            continue
    if serial and _SERIAL.match(plain) and 0 < (days := int(float(plain))) <= _LAST_SERIAL:
        return (_EPOCH_1904 if epoch_1904 else _EPOCH) + dt.timedelta(
            days=days if days > 60 or epoch_1904 else days + 1
        )
    try:
        return dt.datetime.fromisoformat(plain).date()
    except ValueError:
        raise Refused("not_a_day", value=text[:40]) from None


def to_fen(text: str, unit: MoneyUnit = "yuan") -> int | None:
    """Return an amount in fen, None for an empty cell; half a fen goes up. Raises ``Refused("not_money")``.

    Reads ``1,234.50``, ``¥1234.5``, ``1234.5元``, ``3.2万`` and full-width digits.
    """
    plain = unicodedata.normalize("NFKC", text).replace(" ", "").upper()
    if not plain:
        return None
    found = _MONEY.match(plain)
    if found is None or not (found[3] or len(found[4] or "") > 1) or (found[1] and found[2]):
        raise Refused("not_money", value=text[:40])
    try:
        amount = Decimal(f"{found[1]}{found[2]}{(found[3] or '0').replace(',', '')}{found[4] or ''}")
    except InvalidOperation:
        raise Refused("not_money", value=text[:40]) from None
    if found[5]:
        amount *= 10_000
    if unit == "yuan":
        amount *= 100
    if abs(amount) >= _MOST_FEN:
        raise Refused("not_money", value=text[:40])
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def to_integer(text: str) -> int | None:
    """Return a whole number such as ``2822`` or ``2,822.0``, None for an empty cell, or refuse it."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if not plain:
        return None
    if not re.fullmatch(r"[+-]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,15})(?:\.0+)?", plain):
        raise Refused("not_an_integer", value=text[:40])
    return int(plain.partition(".")[0].replace(",", ""))
