"""Where this terminal keeps its things, and what a person chose for it."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

HOME_VARIABLE = "CRM_TUI_HOME"
PIN_VARIABLE = "CRM_TUI_PIN"
DATABASE = "crm.db"
SETTINGS = "settings.toml"


@dataclass(frozen=True)
class Settings:
    """What belongs to this terminal and not to the organisation.

    ``language`` is zh_CN, en or empty (by locale); ``idle_minutes`` until the screen locks; ``border`` is
    auto, line or ascii; ``vim`` lets h j k l move and g jump outside fields; ``hub_certificate`` is a file
    with the authority that vouches for an https hub, where the system does not know it.
    """

    language: str = ""
    theme: str = ""
    idle_minutes: int = 10
    last_number: str = ""
    border: str = "auto"
    vim: bool = False
    hub_certificate: str = ""


@dataclass(frozen=True)
class Home:
    """The folder of this terminal's data."""

    path: Path

    @property
    def database(self) -> Path:
        """The database file."""
        return self.path / DATABASE

    @property
    def backups(self) -> Path:
        """The folder of the backups."""
        return self.path / "backups"

    def read(self) -> Settings:
        """Return the settings; what is missing or of the wrong kind has its default."""
        try:
            found = tomllib.loads((self.path / SETTINGS).read_text("utf-8"))
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
            return Settings()
        default = Settings()
        good = {
            one.name: found[one.name]
            for one in fields(Settings)
            if isinstance(found.get(one.name), type(getattr(default, one.name)))
        }
        return Settings(**good)

    def write(self, settings: Settings) -> None:
        """Keep the settings, whole or not at all."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        lines = [f"{one.name} = {_toml(getattr(settings, one.name))}" for one in fields(Settings)]
        fresh = self.path / f"{SETTINGS}.new"
        fresh.touch(mode=0o600)
        fresh.write_text("\n".join(lines) + "\n", "utf-8")
        fresh.replace(self.path / SETTINGS)


def find_home(given: Path | None = None) -> Home:
    """Return the home: the one given, CRM_TUI_HOME, or the platform's place for a person's data."""
    if given is not None:
        return Home(given)
    named = os.environ.get(HOME_VARIABLE)
    if named:
        return Home(Path(named))
    from platformdirs import user_data_path

    return Home(user_data_path("crm-tui", appauthor=False))


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
