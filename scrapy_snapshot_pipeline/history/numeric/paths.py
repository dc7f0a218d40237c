"""The path of a numeric field: `price`, `markets.price_home` or `prices.home`.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from scrapy_snapshot_pipeline.declaration.tables import Column, Declaration, Kind, Role
from scrapy_snapshot_pipeline.errors import HistoryError
from scrapy_snapshot_pipeline.history.numeric.text_numbers import number_in
from scrapy_snapshot_pipeline.history.results import Fields, FieldValue
from scrapy_snapshot_pipeline.history.values import to_number

_NUMBERS = (Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL)


@dataclass(frozen=True, slots=True)
class NumberPath:
    """Where a number is found in an entity."""

    child: int | None
    """Index of the child table; None: in the entity itself."""
    column: str
    inside: tuple[str, ...]
    """Names of nested members in the column's JSON; empty: the column is the number."""
    declared: bool = True
    """Whether the class says that it is a number; else every value has to be looked at."""
    as_number: bool = False
    """Whether the one number in a text counts, as 9.99 in "£9.99"."""

    def found(self, values: Fields) -> FieldValue:
        """What is stored at this path; None if nothing is."""
        if not self.inside:
            return values.get(self.column)
        return _member(values, (self.column, *self.inside))

    def number(self, value: FieldValue) -> Decimal | None:
        """The number that a value at this path is; None if it is none."""
        number = to_number(value)
        if number is None and self.as_number and isinstance(value, str):
            return number_in(value)
        return number


def _member(value: FieldValue, names: tuple[str, ...]) -> FieldValue:
    """What these names lead to; a name may have dots itself."""
    if not names:
        return value
    if not isinstance(value, Mapping):
        return None
    for length in range(len(names), 0, -1):
        name = ".".join(names[:length])
        if name in value:
            return _member(value[name], names[length:])
    return None


def number_path(declaration: Declaration, path: str, *, as_number: bool = False) -> NumberPath:
    """Parse a path; `as_number` allows text fields too.  Raises HistoryError."""
    names = tuple(path.split("."))
    for child, rest in _places(declaration, names):
        columns = declaration.columns if child is None else declaration.children[child].columns
        for length in range(len(rest), 0, -1):
            name, inside = ".".join(rest[:length]), rest[length:]
            column = next((c for c in columns if c.name == name), None)
            if column is not None and _holds_number(column, inside, as_number=as_number):
                declared = column.kind in _NUMBERS
                return NumberPath(child, name, inside, declared, as_number)
    if declaration.untyped and all(names):  # its fields stand in place of `data`
        return NumberPath(None, names[0], names[1:], declared=False, as_number=as_number)
    raise HistoryError(_no_number(declaration, path))


def numeric_paths(declaration: Declaration) -> tuple[str, ...]:
    """The fields that are declared as numbers, including those of children."""
    return _paths(declaration, lambda c: [c.name] if c.kind in _NUMBERS else [])


def untracked_paths(declaration: Declaration) -> tuple[str, ...]:
    """The fields whose change makes no version, including those of children and inside JSON."""

    def untracked(column: Column) -> Iterator[str]:
        if column.role is Role.UNTRACKED:
            yield column.name
        # The fields of an untyped class stand in place of `data`.
        prefix = "" if declaration.untyped else f"{column.name}."
        yield from (f"{prefix}{path}" for path in column.untracked_paths)

    return _paths(declaration, untracked)


def _holds_number(column: Column, inside: tuple[str, ...], *, as_number: bool) -> bool:
    if column.kind is Kind.JSON:
        return bool(inside)
    return not inside and (column.kind in _NUMBERS or (as_number and column.kind is Kind.TEXT))


def _paths(declaration: Declaration, wanted: Callable[[Column], Iterable[str]]) -> tuple[str, ...]:
    tables: list[tuple[tuple[str, ...], Sequence[Column]]] = [((), declaration.columns)]
    tables += [(child.path, child.columns) for child in declaration.children]
    return tuple(
        ".".join((*path, name))
        for path, columns in tables
        for column in columns
        for name in wanted(column)
    )


def _places(
    declaration: Declaration, names: tuple[str, ...]
) -> Iterator[tuple[int | None, tuple[str, ...]]]:
    """The tables in which the field may be, and its names there; the innermost list first."""
    for length in range(len(names) - 1, 0, -1):
        for index, child in enumerate(declaration.children):
            if ".".join(child.path) == ".".join(names[:length]):
                yield index, names[length:]
    yield None, names


def _no_number(declaration: Declaration, path: str) -> str:
    if path in _paths(declaration, lambda c: [c.name] if c.kind is Kind.TEXT else []):
        return (
            f"field {path} of table {declaration.table} is text; read the numbers in it with "
            "--as number, or as_number=True"
        )
    known = ", ".join(numeric_paths(declaration)) or "none"
    return (
        f"table {declaration.table} has no numeric field {path}; its numbers are {known}, "
        "and those inside JSON fields, written as field.name"
    )
