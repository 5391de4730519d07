"""Who is who: telephone numbers, resident identity numbers, firms' codes, pinyin, and their masks."""

from crm_tui.domain.identity.masking import mask_name, mask_phone, mask_resident_id
from crm_tui.domain.identity.phone import Phone, digits_only, display_phone, normalize_phone, split_phones
from crm_tui.domain.identity.pinyin import (
    Spelling,
    full,
    initials,
    readings,
    sort_key,
    spell,
    surname_reading,
)
from crm_tui.domain.identity.resident_id import ResidentId, check_resident_id, normalize_resident_id
from crm_tui.domain.identity.uscc import check_uscc, normalize_uscc

__all__ = [
    "Phone",
    "ResidentId",
    "Spelling",
    "check_resident_id",
    "check_uscc",
    "digits_only",
    "display_phone",
    "full",
    "initials",
    "mask_name",
    "mask_phone",
    "mask_resident_id",
    "normalize_phone",
    "normalize_resident_id",
    "normalize_uscc",
    "readings",
    "sort_key",
    "spell",
    "split_phones",
    "surname_reading",
]
