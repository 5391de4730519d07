"""What the face says: keys in, sentences in the person's language out.

Keys look like ``board.title``; the part before the first dot names the catalog file
(``zh_CN/board.po``). Values are filled in with :meth:`str.format`, so ``{name}`` in a catalog
entry is a field; what a person typed is only ever a value, never a pattern.
"""

from __future__ import annotations

import gettext
import locale
import os
import sys
from functools import cache
from pathlib import Path

LANGUAGES = ("zh_CN", "en")
_HERE = Path(__file__).parent
_CHINESE_CODE_PAGE = 936


class _Active:
    """The language in use; one process speaks one language at a time."""

    language = "en"


def use(language: str) -> None:
    """Speak ``language`` (one of LANGUAGES) from now on."""
    if language not in LANGUAGES:
        raise ValueError(f"unknown language {language!r}; known: {', '.join(LANGUAGES)}")
    _Active.language = language


def language() -> str:
    """Return the language in use."""
    return _Active.language


def t(key: str, /, **values: object) -> str:
    """Return the sentence of ``key`` in the language in use.

    Raises:
        KeyError: the catalogs do not know the key; a test keeps this from ever reaching a person.
    """
    sentence = _catalog(_Active.language).gettext(key)
    if sentence == key:
        raise KeyError(f"no sentence for {key!r} in {_Active.language}")
    return sentence.format(**values) if values else sentence


def knows(key: str) -> bool:
    """Tell whether the catalogs have a sentence for ``key``."""
    return _catalog(_Active.language).gettext(key) != key


def detect(preferred: str = "") -> str:
    """Choose the language: CRM_LANG, then ``preferred`` (a setting), then the locale.

    A locale of zh, or none at all on a Chinese Windows code page, means Chinese.
    """
    for wish in (os.environ.get("CRM_LANG", ""), preferred):
        if wish:
            return "zh_CN" if wish.lower().startswith("zh") else "en"
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return "zh_CN" if value.lower().startswith("zh") else "en"
    return "zh_CN" if _chinese_windows() else "en"


def _chinese_windows() -> bool:
    """Tell whether this is a Windows console on the Chinese code page."""
    return sys.platform == "win32" and str(_CHINESE_CODE_PAGE) in locale.getpreferredencoding(
        do_setlocale=False
    )


@cache
def _catalog(name: str) -> gettext.GNUTranslations:
    with (_HERE / name / "crm_tui.mo").open("rb") as stream:
        return gettext.GNUTranslations(stream)
