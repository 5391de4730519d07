"""A workbook's package, checked before anything else opens it.

What passes is copied into a fresh package in memory, so that the library that reads the cells sees exactly
the bytes that were checked: no zip bomb, no DTD or entity, no second part of the same name.
"""

from __future__ import annotations

import io
import mmap
import posixpath
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

from crm_tui.domain.errors import Refused
from crm_tui.exchange.xlsx_cells import CellScan

SUFFIXES = (".xlsx", ".xlsm")
UNPACKED_LIMIT = 300 * 1024 * 1024  # bytes, of all parts together
RATIO_LIMIT = 200  # bytes out per byte in, for parts above RATIO_FROM
RATIO_FROM = 1024 * 1024
PART_LIMIT = 10_000

_CHUNK = 1 << 16
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_WORKBOOK = "xl/workbook.xml"
_WORKBOOK_RELS = "xl/_rels/workbook.xml.rels"
_NEEDED = ("[Content_Types].xml", "_rels/.rels", _WORKBOOK, _WORKBOOK_RELS)
_CELL_PARTS = ("/sharedStrings", "/styles")


@dataclass(frozen=True, slots=True)
class Package:
    """A package that is safe to read: its bytes, the sheet chosen, all visible sheets, and cell findings."""

    content: io.BytesIO
    sheet: str
    sheets: tuple[str, ...]
    epoch_1904: bool
    cells: CellScan


@dataclass(slots=True)
class _Contents:
    """What workbook.xml and its relations say."""

    sheets: dict[str, str]  # visible name -> relation id
    targets: dict[str, tuple[str, str]]  # relation id -> type, part
    epoch_1904: bool = False


def open_package(path: Path, sheet: str | None) -> Package:
    """Check the workbook at ``path`` and return what is needed to read one sheet of it, or raise Refused."""
    with path.open("rb") as raw:
        _refuse_compound(path, raw.read(8))
    try:
        with zipfile.ZipFile(path) as package:
            _refuse_bomb(package)
            return _checked(package, path, sheet)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise Refused("import_not_workbook", path=path.name) from error
    except (expat.ExpatError, UnicodeError, LookupError, ValueError) as error:
        raise Refused("import_workbook_broken", path=path.name, reason=str(error)[:80]) from error


def _refuse_compound(path: Path, head: bytes) -> None:
    """Refuse the old container: an .xls, or a workbook locked with a password."""
    if not head.startswith(_OLE):
        return
    with path.open("rb") as raw, mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as content:
        locked = content.find("EncryptedPackage".encode("utf-16-le")) >= 0
    raise Refused("import_file_encrypted" if locked else "import_old_xls", path=path.name)


def _refuse_bomb(package: zipfile.ZipFile) -> None:
    parts = package.infolist()
    unpacked = sum(part.file_size for part in parts)
    ratio = max((p.file_size / (p.compress_size or 1) for p in parts if p.file_size > RATIO_FROM), default=0)
    if unpacked > UNPACKED_LIMIT or ratio > RATIO_LIMIT or len(parts) > PART_LIMIT:
        megabytes, limit = unpacked // 1024**2, UNPACKED_LIMIT // 1024**2
        raise Refused("import_unpacks_too_big", megabytes=megabytes, limit=limit)
    if any(part.flag_bits & 1 for part in parts):
        raise Refused("import_file_encrypted", path=Path(package.filename or "").name)


def _checked(package: zipfile.ZipFile, path: Path, sheet: str | None) -> Package:
    if not {_WORKBOOK, _WORKBOOK_RELS} <= set(package.namelist()):
        raise Refused("import_not_workbook", path=path.name)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as copy:
        found = _Contents({}, {})
        for name in _NEEDED:
            _copy(package, copy, name, _reader_of(found))
        name, part = _chosen(found, sheet, path)
        for kind, target in found.targets.values():
            if kind.endswith(_CELL_PARTS) and target in package.namelist():
                _copy(package, copy, target, _guarded())
        scan = CellScan()
        parser = _guarded()
        scan.watch(parser)
        _copy(package, copy, part, parser)
        scan.finish()
    content.seek(0)
    return Package(content, name, tuple(found.sheets), found.epoch_1904, scan)


def _chosen(found: _Contents, sheet: str | None, path: Path) -> tuple[str, str]:
    tables = {
        name: found.targets[relation][1]
        for name, relation in found.sheets.items()
        if found.targets.get(relation, ("", ""))[0].endswith("/worksheet")
    }
    if not tables:
        raise Refused("import_not_workbook", path=path.name)
    name = next(iter(tables)) if sheet is None else sheet
    if name not in tables:
        raise Refused("import_sheet_missing", sheet=name, sheets=", ".join(tables))
    return name, tables[name]


def _copy(package: zipfile.ZipFile, copy: zipfile.ZipFile, name: str, parser: expat.XMLParserType) -> None:
    if name in copy.namelist():
        raise ValueError(name)  # one part in two roles would be judged by the rules of the first
    try:
        with package.open(name) as source, copy.open(name, "w", force_zip64=False) as target:
            while chunk := source.read(_CHUNK):
                parser.Parse(chunk, False)  # noqa: FBT003 - expat takes no keyword
                target.write(chunk)
            parser.Parse(b"", True)  # noqa: FBT003 - expat takes no keyword
    except _ForbiddenError:
        raise Refused("import_xml_forbidden", part=name) from None


class _ForbiddenError(Exception):
    """A part declares a document type, and with it perhaps entities."""


def _guarded() -> expat.XMLParserType:
    """Return a parser that stops at any DTD; names come as ``namespace local``."""

    def forbid(*_: object) -> None:
        raise _ForbiddenError

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = forbid
    parser.EntityDeclHandler = forbid
    return parser


def _reader_of(found: _Contents) -> expat.XMLParserType:
    """Return a parser that notes sheets, relations and the epoch in ``found``."""

    def start(name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        plain = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        if local == "sheet" and plain.get("state", "visible") == "visible":
            found.sheets[plain["name"]] = plain["id"]
        elif local == "Relationship" and plain.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/xl", plain["Target"])).lstrip("/")
            found.targets[plain["Id"]] = (plain["Type"], target)
        elif local == "workbookPr":
            found.epoch_1904 = plain.get("date1904", "0") in ("1", "true")

    parser = _guarded()
    parser.StartElementHandler = start
    return parser
