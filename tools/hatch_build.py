"""Build hook: every .po catalog of a language becomes one .mo beside it."""

from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand: python tools/hatch_build.py
    BuildHookInterface = object  # type: ignore[assignment,misc]

ROOT = Path(__file__).resolve().parent.parent
I18N = ROOT / "crm_tui" / "i18n"


def compile_catalogs() -> list[Path]:
    """Write crm_tui/i18n/<language>/crm_tui.mo from all .po files of that folder."""
    written = []
    for folder in sorted(path for path in I18N.iterdir() if path.is_dir() and list(path.glob("*.po"))):
        whole = Catalog(locale=folder.name)
        for po in sorted(folder.glob("*.po")):
            with po.open("rb") as stream:
                for message in read_po(stream, locale=folder.name, abort_invalid=True):
                    if not message.id:
                        continue
                    if message.id in whole:
                        raise SystemExit(f"{po}: {message.id} stands in two catalogs")
                    whole.add(message.id, message.string)
        target = folder / "crm_tui.mo"
        with target.open("wb") as stream:
            write_mo(stream, whole)
        written.append(target)
    return written


class CatalogHook(BuildHookInterface):  # type: ignore[type-arg]
    """Compile the catalogs before anything is packed, for wheels and editable installs alike."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        for path in compile_catalogs():
            build_data.setdefault("artifacts", []).append(str(path.relative_to(ROOT)))


if __name__ == "__main__":
    for path in compile_catalogs():
        print(path.relative_to(ROOT))
