"""What a person typed: made safe at the way in, and comparable when it is looked for."""

from __future__ import annotations

import re
import unicodedata

# Introducer, parameters and final byte; an OSC, DCS, SOS, PM or APC goes with its payload only when
# its terminator follows: a stray C1 byte (text read in the wrong code page) must not eat a name.
ESCAPE_SEQUENCE = re.compile(
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x00-\x1f\x7f-\x9f]*(?:\x07|\x1b\\|\x9c)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_\[]"
    r"|\x1b[ -/]*[0-~]"
)
_PLAIN = re.compile(r"[ -~\u4e00-\u9fff]*")  # nearly every name: there is nothing to take out of it
_LINE_END = re.compile(r"\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")
_LINE_ENDS_AND_TABS = re.compile(r"[\t\n\r\x0b\x0c\x85\u2028\u2029]+")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = re.compile(
    f"[{_BIDI}\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u2065\u206a-\u206f"
    "\u3164\ufeff\uffa0\ufff0-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff]"
).sub
_SELECTOR = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_SELECTOR_WITHOUT_BASE = re.compile(
    rf"(?:(?<![^\s\u200c\u200d{_SELECTOR}])|(?<=[\u200c\u200d]))[{_SELECTOR}]+"
)
_PICTURE = "\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff"
_JOINING_SCRIPT = "\u0600-\u060b\u060d-\u061b\u061d-\u0dff\ufb50-\ufdff\ufe70-\ufefc"
# A joiner is kept inside an emoji sequence and between letters of scripts that join or part by it.
_NEEDLESS_JOINER = re.compile(
    rf"(?<![{_PICTURE}\ufe0f\u20e3{_JOINING_SCRIPT}])[\u200c\u200d]"
    rf"|[\u200c\u200d](?![{_PICTURE}{_JOINING_SCRIPT}])"
)
# What str.strip takes for blank once the control characters are gone, and the blank braille cell.
_OUTER_BLANKS = " \n\u00a0\u1680\u202f\u205f\u3000\u2800" + "".join(map(chr, range(0x2000, 0x200B)))
_BLANK = re.compile(r"[\s\u2800]+")
_NOT_SEARCHED = re.compile(rf"[\u200c\u200d{_SELECTOR}]")
_UNSHOWABLE = re.compile(f"[\x80-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufff9-\ufffb\u200b\u2060{_BIDI}]")
_PILED_MARKS = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{4})"
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+"
)
_CONTROL_PICTURE = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421}
_STAND_IN = "\u2426"
_HALF_WIDTH = {full: full - 0xFEE0 for full in range(0xFF01, 0xFF5F)} | {0x3000: 0x20, 0xFFE5: 0xA5}


def clean_text(value: str, *, multiline: bool = False) -> str:
    r"""Return what a person typed without anything that acts on a terminal; the rest exactly as typed.

    Escape sequences, control and bidi characters, needless invisible characters and lone surrogates
    go; line ends and tabs become one blank, or with ``multiline`` every line end ``\n`` and a tab a
    blank; outer blanks are trimmed. What has nothing to show comes back empty.
    """
    if _PLAIN.fullmatch(value):
        return value.strip(" ")
    text = _LONE_SURROGATE.sub("", ESCAPE_SEQUENCE.sub("", value))
    text = _LINE_END.sub("\n", text).replace("\t", " ") if multiline else _LINE_ENDS_AND_TABS.sub(" ", text)
    text = _INVISIBLE("", _CONTROL.sub("", text))
    text = _NEEDLESS_JOINER.sub("", _SELECTOR_WITHOUT_BASE.sub("", text))
    return text.strip(_OUTER_BLANKS)


def fold(value: str) -> str:
    """Return the form texts are compared in: NFKC, case folded, without blanks; never stored as a name."""
    if _PLAIN.fullmatch(value):
        return value.replace(" ", "").casefold()
    text = _NOT_SEARCHED.sub("", clean_text(value))
    for _ in range(4):  # folding may compose, composing may fold: two rounds settle all but a few
        folded = unicodedata.normalize("NFKC", text).casefold()
        folded = _NOT_SEARCHED.sub("", _BLANK.sub("", _INVISIBLE("", folded)))
        if folded == text:
            break
        text = folded
    return text


def fold_width(value: str) -> str:
    """Return ``value`` with full-width ASCII, the ideographic space and ￥ at half width.

    Nothing else changes, and every character stays at its index.
    """
    return value.translate(_HALF_WIDTH)


def safe_text(value: str) -> str:
    """Return ``value`` fit for one line of a terminal: what could disturb it stands there as a symbol.

    A second line of defence behind :func:`clean_text`; at most four marks pile up on one letter.
    """
    shown = _UNSHOWABLE.sub(_STAND_IN, value.translate(_CONTROL_PICTURE))
    return _PILED_MARKS.sub(r"\1", shown)
