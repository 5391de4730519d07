"""The sections of the settings, in the order of their digits."""

from __future__ import annotations

from crm_tui.screens.sections.base import Section
from crm_tui.screens.sections.people import PeopleSection, UnitsSection
from crm_tui.screens.sections.products import ProductsSection
from crm_tui.screens.sections.rules import RulesSection
from crm_tui.screens.sections.stages import StagesSection
from crm_tui.screens.sections.terminal import DataSection, DisplaySection, KeysSection

SECTIONS: tuple[type[Section], ...] = (
    PeopleSection,
    UnitsSection,
    StagesSection,
    RulesSection,
    ProductsSection,
    DisplaySection,
    KeysSection,
    DataSection,
)

__all__ = ["SECTIONS", "Section"]
