"""A mask shows enough to recognise a person and too little to call one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_tui.domain.identity import mask_name, mask_phone, mask_resident_id


@pytest.mark.parametrize(
    ("clear", "masked"),
    [
        ("+8613800138000", "138****8000"),
        ("13800138000", "138****8000"),
        ("+861064170000", "010-6417****"),
        ("+8675586013388", "0755-8601****"),
        ("+865168123456", "0516-812****"),
        ("+85291234567", "+852****4567"),
        ("+16502530000", "+1****0000"),
        ("+442087654321", "+44****4321"),
        ("+864008208820", "****8820"),
        ("123", "****"),
        ("", "****"),
    ],
)
def test_a_number_is_masked(clear, masked):
    assert mask_phone(clear) == masked


@given(st.text(max_size=20))
def test_a_masked_number_never_shows_it_whole(value):
    assert mask_phone(value) != value or set(value) == {"*"}


def test_a_resident_number_shows_its_first_and_last_four():
    assert mask_resident_id("110101199001021234") == "1101**********1234"
    assert mask_resident_id("12345") == "*****"


@pytest.mark.parametrize(
    ("clear", "masked"),
    [
        ("张伟", "张**"),
        ("张", "张**"),
        ("欧阳修", "欧阳**"),
        ("欧阳", "欧**"),
        ("e\u0301mile", "e\u0301**"),
        ("", ""),
    ],
)
def test_a_name_shows_its_surname(clear, masked):
    assert mask_name(clear) == masked
