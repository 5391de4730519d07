"""The short way for bare mobile numbers answers exactly where the long way gives the same number."""

from __future__ import annotations

import pytest

from crm_tui.domain.errors import Refused
from crm_tui.domain.identity import normalize_phone
from crm_tui.domain.identity.mobile import mobile_e164

LEADING = range(1300, 2000)


def long_way(raw: str) -> str:
    try:
        phone = normalize_phone(raw)
    except Refused:
        return ""
    assert not phone.note
    return phone.e164


@pytest.mark.parametrize("tail", ["0000000", "1234567", "9999999"])
def test_the_short_way_agrees_with_the_long_way_over_all_leading_digits(tail: str) -> None:
    answered = 0
    for leading in LEADING:
        short = mobile_e164(f"{leading}{tail}")
        if short:
            answered += 1
            assert short == long_way(f"{leading}{tail}")
    assert answered > 500


@pytest.mark.parametrize("raw", ["+8613800138000", "8613800138000", "13800138000"])
def test_the_country_code_may_stand_in_front(raw: str) -> None:
    assert mobile_e164(raw) == "+8613800138000" == long_way(raw)


@pytest.mark.parametrize(
    "raw",
    [
        "13800138000.0",
        " 13800138000",
        "138 0013 8000",
        "13800138000(wx)",
        "١٣٨٠٠١٣٨٠٠٠",
        "1380013800",
        "010-64170000",
        "",
    ],
)
def test_everything_else_goes_the_long_way(raw: str) -> None:
    assert not mobile_e164(raw)
