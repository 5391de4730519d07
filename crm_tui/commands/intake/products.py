"""Products of an imported table, with the product lines that the file names."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from crm_tui.commands.intake.chunk import Chunk, differences
from crm_tui.commands.intake.rows import ProductRow
from crm_tui.domain.errors import Refused
from crm_tui.store.tables import product, product_line

_GIVEN = {"name": "name", "line_id": "line_name", "unit_price": "unit_price", "active": "active"}


def take_products(chunk: Chunk) -> None:
    """Create or update the products of a portion."""
    shelf = Shelf(chunk)
    for at, row in chunk.rows(ProductRow):
        try:
            shelf.take(at, row)
        except Refused as no:
            chunk.refuse(at, no)
    shelf.write()


class Lines:
    """The product lines by name; a new name may become a new line."""

    def __init__(self, chunk: Chunk) -> None:
        self._chunk = chunk
        rows = chunk.tx.rows(select(product_line).order_by(product_line.c.id))
        self._ids = {row.name.casefold(): str(row.id) for row in reversed(rows)}

    def find(self, name: str, *, create: bool) -> str:
        """Return the id of the line of a name; raises Refused row_line_unknown."""
        known = self._ids.get(name.casefold())
        if known is None:
            if not create:
                raise Refused("row_line_unknown", name=name)
            known = self._ids[name.casefold()] = self._chunk.context.new_id()
            self._chunk.tx.insert(product_line, id=known, name=name)
            self._chunk.implied(product_line, known)
        return known


class Shelf:
    """The products there are, while a portion comes in; they are few enough to read whole."""

    def __init__(self, chunk: Chunk) -> None:
        self._chunk = chunk
        self._lines = Lines(chunk)
        self._rows: list[Row[Any]] = list(chunk.tx.rows(select(product).order_by(product.c.id)))
        self._mine = chunk.mine(row.id for row in self._rows)
        self._fresh: list[dict[str, Any]] = []

    def take(self, at: int, row: ProductRow) -> None:
        """Create the row's product, or update the one of the same external id, code or name."""
        known = self._find(row)
        columns = {
            "name": row.name,
            "line_id": self._lines.find(row.line_name, create=True) if row.line_name else None,
            "unit_price": row.unit_price,
            "active": row.active,
        }
        if known is None:
            product_id = self._chunk.context.new_id()
            self._fresh.append(
                {**columns, "id": product_id, "code": row.code or product_id, "external_id": row.external_id}
            )
            self._chunk.created(at, row.line, product, product_id)
            return
        given = {name: columns[name] for name, field in _GIVEN.items() if field in row.model_fields_set}
        changes = differences(known, given)
        if changes:
            self._chunk.tx.update(product, known.id, **{name: pair[1] for name, pair in changes.items()})
            self._mine.add(known.id)
        self._chunk.updated(at, row.line, product, known.id, changes)

    def write(self) -> None:
        """Write the new products."""
        self._chunk.tx.insert_all(product, self._fresh)

    def _find(self, row: ProductRow) -> Row[Any] | None:
        """Return the product a row is about: by external id, code, or name where the row has neither."""
        keys = {"external_id": row.external_id, "code": row.code}
        if not any(keys.values()):
            keys = {"name": row.name}
        for key, value in keys.items():
            if value and any(one[key] == value for one in self._fresh):
                raise Refused("row_id_twice", external_id=value)
            found = [one for one in self._rows if value and getattr(one, key) == value]
            if found and found[0].id in self._mine:
                raise Refused("row_id_twice", external_id=value)
            if found:
                return found[0]
        return None
