"""A function for each table that reads a row of it, written out field by field, then compiled.

It runs for every row of every item on the reactor thread, where it was most of what a crawl paid
for us: an item with 5 children took 49 microseconds as a loop over a function a field, and takes
27 so.  As `dataclasses` does it, the source is put together once a class; it holds nothing but
names that this module makes up, and the item's fields as literals.

A value that is already of its column's type is taken as it is (`_AS_IT_IS`), everything else goes
to the column's `cells` function.  A property test compares the two.
"""

from __future__ import annotations

import datetime as dt
import keyword
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, NamedTuple, TypeAlias, cast

from scrapy_snapshot_pipeline.capture.canonical import datetime_text, field_tag, row_order
from scrapy_snapshot_pipeline.capture.cells import cell_reader
from scrapy_snapshot_pipeline.capture.coerce import MAX_DIGITS, CoerceError
from scrapy_snapshot_pipeline.declaration.tables import Column, Kind, Role
from scrapy_snapshot_pipeline.records import Value

Row: TypeAlias = tuple[tuple[Value, ...], bytes, bytes, int]
"""The values, coerced; the encoded key fields; the encoded tracked fields; and how many bytes all
fields take when encoded, the untracked ones too."""
ReadRow: TypeAlias = Callable[[Any, int], Row]
"""Of an item and its position in its list.  Raises `CoerceError`."""

_NUL = rb"\u0000"


class _AsItIs(NamedTuple):
    """Python for a value that needs no coercion, and for its text.

    `v{i}` and `t{i}` are value and text of column `i`, `tag{i}` its name in the row.
    """

    holds: str
    text: str


_AS_IT_IS: Mapping[Kind, _AsItIs] = {
    Kind.TEXT: _AsItIs("type(v{i}) is str", "tag{i} + quote(v{i})"),
    Kind.INTEGER: _AsItIs(
        f"type(v{{i}}) is int and {-(2**63)} <= v{{i}} < {2**63}", "tag{i} + str(v{i})"
    ),
    # The zeros are looked for before they are stripped, since most numbers have none.
    Kind.DECIMAL: _AsItIs(
        "type(v{i}) is Decimal and v{i} and v{i}.is_finite() "
        f"and 'E' not in (t{{i}} := str(v{{i}})) and len(t{{i}}) < {MAX_DIGITS}",
        """f'{{tag{i}}}"{{t{i}}}"' if t{i}[-1] != '0' or '.' not in t{i} """
        """else f'{{tag{i}}}"{{t{i}.rstrip("0").rstrip(".")}}"'""",
    ),
    Kind.DATETIME: _AsItIs(
        "type(v{i}) is datetime and v{i}.tzinfo is utc",
        """f'{{tag{i}}}"{{datetime_text(v{i})}}"'""",
    ),
}


def row_reader(
    item_class: type,
    columns: Sequence[Column],
    naive_timezone: dt.tzinfo | None,
    *,
    positional: bool = False,
) -> ReadRow:
    """Write and compile the function for rows of `item_class`.

    `positional`: the first column is the row's position.
    """
    names: dict[str, object] = dict(_HELPERS)
    for index, column in enumerate(columns):
        names[f"tag{index}"] = field_tag(column)
        names[f"cell{index}"] = cell_reader(column, naive_timezone)
    lines = _lines(columns, mapping=issubclass(item_class, Mapping), positional=positional)
    code = compile("\n".join(lines), f"<rows of {item_class.__qualname__}>", "exec")
    exec(code, names)  # noqa: S102 - the source is our own, see the module's docstring
    return cast("ReadRow", names["read"])


def field_reader(item_class: type, name: str) -> Callable[[Any], object]:
    """A function that reads one field as `row_reader` does."""
    if issubclass(item_class, Mapping):
        return lambda item: item.get(name)

    def read(item: object) -> object:
        try:
            return getattr(item, name)
        except AttributeError:
            raise _never_set(item, [name]) from None

    return read


def _field(name: str, *, mapping: bool) -> str:
    """Python for the field of `item`; a name that a mapping does not have is None."""
    if mapping:
        return f"item.get({name!r})"
    # Python folds other letters of a name, as ligatures.
    plain = name.isascii() and name.isidentifier() and not keyword.iskeyword(name)
    return f"item.{name}" if plain else f"getattr(item, {name!r})"


def _lines(columns: Sequence[Column], *, mapping: bool, positional: bool) -> Iterator[str]:
    names = [column.name for column in columns]
    first = 1 if positional else 0
    yield "def read(item, position):"
    if positional:
        yield "    v0 = position"
    yield "    try:"
    yield "        pass"
    for index, name in enumerate(names[first:], start=first):
        yield f"        v{index} = {_field(name, mapping=mapping)}"
    yield "    except AttributeError:"
    yield f"        raise never_set(item, {names[first:]!r}) from None"
    for index, column in enumerate(columns):
        yield from _cell_lines(index, column)
    yield from _row_lines(columns)


def _row_lines(columns: Sequence[Column]) -> Iterator[str]:
    """Encode the texts, as `row_bytes` does, and look whether a database could take them."""
    texts = {role.value: _texts(columns, role) for role in Role}
    roles = {column.role for column in columns}
    parts = [role.value for role in Role if role in roles or role is not Role.UNTRACKED]
    values = "".join(f"v{index}, " for index in range(len(columns)))
    yield f"    values = ({values})"
    yield "    try:"
    for part in parts:
        yield f'        {part} = f"{{{{{{({texts[part]})[1:]}}}}}}".encode()'
    yield "    except UnicodeEncodeError:"
    yield f"        raise surrogates({[c.name for c in columns]!r}, values) from None"
    yield f"    if {' or '.join(f'nul in {part}' for part in parts)}:"
    yield f"        refuse_nul({[c.name for c in columns]!r}, values)"
    yield f"    return values, key, tracked, {' + '.join(f'len({part})' for part in parts)}"


def _cell_lines(index: int, column: Column) -> Iterator[str]:
    unlimited = column.length is None and column.scale is None
    as_it_is = _AS_IT_IS.get(column.kind) if unlimited else None
    yield f"    if v{index} is None:"
    if column.role is Role.KEY:
        yield f"        raise no_key({column.name!r})"
    else:
        yield f"        t{index} = ''"
    if as_it_is is not None:
        yield f"    elif {as_it_is.holds.format(i=index)}:"
        yield f"        t{index} = {as_it_is.text.format(i=index)}"
    yield "    else:"
    yield f"        v{index}, t{index} = cell{index}(v{index})"


def _texts(columns: Sequence[Column], role: Role) -> str:
    order = row_order(columns, lambda column: column.role is role)
    return "f'" + "".join(f"{{t{index}}}" for index in order) + "'"


def _no_key(name: str) -> CoerceError:
    cure = "fill it in the spider, or drop the item before this pipeline"
    return CoerceError("a key field is missing or None", cure, f".{name}")


def _never_set(item: object, names: Sequence[str]) -> CoerceError:
    unset = next((f".{name}" for name in names if not hasattr(item, name)), "")
    return CoerceError("the field was never set", "set it, or give the field a default", unset)


def lone_surrogates(names: Sequence[str], values: Sequence[Value]) -> CoerceError:
    """The error of a row that cannot be encoded."""
    return _bad_text("lone surrogates", names, values, _has_surrogate)


def _refuse_nul(names: Sequence[str], values: Sequence[Value]) -> None:
    """Raise if a text has one: the encoded row also has it for an honest backslash before u0000."""
    if any(isinstance(value, str) and _has_nul(value) for value in values):
        raise _bad_text("NUL characters", names, values, _has_nul)


def _bad_text(
    what: str, names: Sequence[str], values: Sequence[Value], is_bad: Callable[[str], bool]
) -> CoerceError:
    named = zip(names, values, strict=True)
    bad = (f".{name}" for name, value in named if isinstance(value, str) and is_bad(value))
    return CoerceError(f"expected text without {what}", "remove them in the spider", next(bad, ""))


def _has_nul(text: str) -> bool:
    return "\x00" in text


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


_HELPERS: Mapping[str, object] = {
    "Decimal": Decimal,
    "datetime": dt.datetime,
    "datetime_text": datetime_text,
    "never_set": _never_set,
    "no_key": _no_key,
    "nul": _NUL,
    "quote": encode_basestring,
    "refuse_nul": _refuse_nul,
    "surrogates": lone_surrogates,
    "utc": dt.timezone.utc,
}
