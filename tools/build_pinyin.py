"""Write crm_tui/domain/identity/pinyin_table.bin from pypinyin; run it by hand after pypinyin changed.

The file is zlib over: one line per distinct set of readings (UTF-8, line 0 empty: readings parted by
commas, the first of the dictionary first, then a bar and those no phrase uses), a NUL, and per block
of BLOCKS one big-endian 16-bit line number for each code point.
"""

import sys
import zlib
from array import array
from collections import Counter
from pathlib import Path

from pypinyin.constants import PHRASES_DICT, PINYIN_DICT

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "crm_tui" / "domain" / "identity" / "pinyin_table.bin"
# Characters of real names that pypinyin does not know.
EXTRA = {0x20BB7: "jí", 0x3402: "xǐ"}
BLOCKS = ((0x3007, 0x9FFF), (0x20000, 0x323AF))


def readings_in_phrases() -> Counter[tuple[int, str]]:
    """Count how often each character has each of its readings in the dictionary's phrases."""
    counts: Counter[tuple[int, str]] = Counter()
    for phrase, syllables in PHRASES_DICT.items():
        for character, readings in zip(phrase, syllables, strict=False):
            counts[ord(character), readings[0]] += 1
    return counts


def line_of(code: int, counts: Counter[tuple[int, str]]) -> str:
    """Return the table's line for one character: readings in use, a bar, the rare ones."""
    first, *others = PINYIN_DICT.get(code, EXTRA.get(code, "")).split(",")
    total = sum(counts[code, reading] for reading in (first, *others))
    used = [reading for reading in others if counts[code, reading] > total / 50]
    used.sort(key=lambda reading: -counts[code, reading])
    rare = [reading for reading in others if reading not in used]
    return ",".join([first, *used]) + ("|" + ",".join(rare) if rare else "")


def main() -> None:
    """Build the table and say how large it became."""
    counts = readings_in_phrases()
    lines = {"": 0}
    numbers = array("H")
    for first, last in BLOCKS:
        for code in range(first, last + 1):
            numbers.append(lines.setdefault(line_of(code, counts), len(lines)))
    if sys.byteorder == "little":
        numbers.byteswap()
    packed = zlib.compress("\n".join(lines).encode() + b"\0" + numbers.tobytes(), 9)
    TARGET.write_bytes(packed)
    print(f"{TARGET.relative_to(ROOT)}: {len(lines) - 1} sets of readings, {len(packed)} bytes")


if __name__ == "__main__":
    main()
