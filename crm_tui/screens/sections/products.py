"""Product lines and products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from crm_tui.commands.rules import CreateProduct, CreateProductLine, EditProduct, RenameProductLine
from crm_tui.domain.permission import Right
from crm_tui.i18n import t
from crm_tui.queries.pickers import product_lines
from crm_tui.queries.settings import price_list
from crm_tui.screens.sections.base import Section
from crm_tui.widgets import figures
from crm_tui.widgets.fields import Choice
from crm_tui.widgets.rows import Row

_LINE = "line:"


class ProductsSection(Section):
    """Lines first, then products; Enter edits either, F7 adds a product, F6 adds a line."""

    name: ClassVar[str] = "products"
    right: ClassVar[Right | None] = Right.MANAGE_RULES
    columns: ClassVar[Sequence[tuple[str, int, int]]] = (
        ("line", 10, 1),
        ("product", 12, 2),
        ("price", 12, 0),
    )

    async def rows(self) -> list[Row]:
        """Return the lines, then the products; what is no longer sold says so."""
        lines = [
            Row(f"{_LINE}{one.id}", (one.name, t("settings.is_line"), ""), "muted")
            for one in await self.screen.ask(product_lines)
        ]
        return lines + [
            Row(
                one.id,
                (
                    one.line_name,
                    one.name if one.active else t("settings.not_sold", name=one.name),
                    figures.amount(one.unit_price),
                ),
                "" if one.active else "muted",
            )
            for one in await self.screen.ask(price_list)
        ]

    async def open(self, row_id: str) -> None:
        """Edit the product, or rename the line."""
        line_id = row_id.removeprefix(_LINE)
        if line_id != row_id:
            lines = await self.screen.ask(product_lines)
            name = next((one.name for one in lines if one.id == line_id), "")
            self.show_form(RenameProductLine, values={"name": name}, fixed={"line_id": line_id})
            return
        found = next((one for one in await self.screen.ask(price_list) if one.id == row_id), None)
        if found is None:
            return
        values = {key: getattr(found, key) for key in ("name", "line_id", "unit_price", "active")}
        self.show_form(
            EditProduct,
            values=values,
            fixed={"product_id": row_id},
            needed=("name", "active"),
            choices=await self._lines(),
        )

    async def new(self, row_id: str) -> None:
        """Add a product."""
        self.show_form(
            CreateProduct,
            values={"line_id": row_id.removeprefix(_LINE)} if row_id.startswith(_LINE) else {},
            hidden=("external_id",),
            choices=await self._lines(),
        )

    async def more(self, row_id: str) -> None:
        """Add a product line."""
        self.show_form(CreateProductLine)

    async def _lines(self) -> dict[str, list[Choice]]:
        return {"line_id": [Choice(one.id, one.name) for one in await self.screen.ask(product_lines)]}
