"""Reads one row from an item, by a function that is generated and compiled once for each table.

It runs for every row of every item on the reactor thread, where one call for each field was most
of what a crawl paid for this package (see the benchmark, section D).  So the source of the function
is put together as `dataclasses` does it.  The source holds only names that this module makes up,
and the item's field names as literals.

For a table of `url` (text, the key), `price` (decimal) and `in_stock` (boolean, untracked) it is:

    def read(item, position):
        try:
            value0 = item.url
            value1 = item.price
            value2 = item.in_stock
        except AttributeError:
            raise never_set(item, ['url', 'price', 'in_stock']) from None
        except Exception:
            raise unreadable(item, ['url', 'price', 'in_stock']) from None
        if value0 is None:
            raise no_key('url')
        elif type(value0) is str:
            text0 = tag0 + quote(value0)
        else:
            value0, text0 = convert0(value0)
        if value1 is None:
            text1 = ''
        elif (
            type(value1) is Decimal
            and value1
            and value1.is_finite()
            and 'E' not in (text1 := str(value1))
            and len(text1) < 1000
        ):
            if text1[-1] == '0' and '.' in text1:
                text1 = text1.rstrip('0').rstrip('.')
            text1 = f'{tag1}"{text1}"'
        else:
            value1, text1 = convert1(value1)
        if value2 is None:
            text2 = ''
        else:
            value2, text2 = convert2(value2)
        values = (value0, value1, value2,)
        try:
            fields = f'{text0}'
            key = f'{{{fields[1:]}}}'.encode()
            fields = f'{text1}'
            tracked = f'{{{fields[1:]}}}'.encode()
            fields = f'{text2}'
            untracked = f'{{{fields[1:]}}}'.encode()
        except UnicodeEncodeError:
            raise lone_surrogates(['url', 'price', 'in_stock'], values) from None
        if nul in key or nul in tracked or nul in untracked:
            refuse_nul(['url', 'price', 'in_stock'], values)
        return values, key, tracked, len(key) + len(tracked) + len(untracked)

`text<i>` is the field of column i as `canonical.field_text` writes it, and `tag<i>` its name in
that text.  The rows are encoded as `canonical.row_bytes` encodes them.  A value that already has
its column's type is taken as it is, and `convert<i>`, a `field_converter`, does the rest.  A
property test compares the two.
"""

from __future__ import annotations

import datetime as dt
import keyword
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from json.encoder import encode_basestring
from string import Template
from typing import Any, TypeAlias, cast

from scrapy_snapshot_pipeline.capture.canonical import datetime_text, field_tag, row_order
from scrapy_snapshot_pipeline.capture.converters import field_converter, parts_converter
from scrapy_snapshot_pipeline.capture.row_errors import (
    lone_surrogates,
    never_set,
    no_key,
    refuse_nul,
    unreadable,
)
from scrapy_snapshot_pipeline.capture.values.coerce_error import unexpected
from scrapy_snapshot_pipeline.capture.values.notices import Notify, silent
from scrapy_snapshot_pipeline.capture.values.numbers import MAX_DIGITS
from scrapy_snapshot_pipeline.declaration.tables import SPIDER, Column, Kind, Role
from scrapy_snapshot_pipeline.records import Value

Row: TypeAlias = tuple[tuple[Value, ...], bytes, bytes, int]
"""The coerced values; the encoded key fields; the encoded tracked fields; and the size in bytes of
all encoded fields, the untracked ones included."""
ReadRow: TypeAlias = Callable[[Any, int], Row]
"""Takes an item and its position in its list, from 0.  Raises `CoerceError`."""

_NUL = rb"\u0000"

_FUNCTION = """\
def read(item, position):
    try:
$get_values
    except AttributeError:
        raise never_set(item, $item_fields) from None
    except Exception:
        raise unreadable(item, $item_fields) from None
$columns
    values = ($values,)
    try:
$encode_roles
    except UnicodeEncodeError:
        raise lone_surrogates($names, values) from None
    if $any_nul:
        refuse_nul($names, values)
    return values, key, tracked, $size
"""

_COLUMN = """\
    if value$i is None:
        $if_none$take_as_it_is
    else:
        value$i, text$i = convert$i(value$i)"""

_COLUMN_IN_PARTS = """\
    value$i, text$i, beside$i = convert$i(value$i)"""

_ROLE = """\
        fields = f'$texts'
        $role = f'{{{fields[1:]}}}'.encode()"""

_AS_IT_IS: Mapping[Kind, str] = {
    Kind.TEXT: """
    elif type(value$i) is str:
        text$i = tag$i + quote(value$i)""",
    Kind.INTEGER: """
    elif type(value$i) is int and $lowest <= value$i <= $highest:
        text$i = tag$i + str(value$i)""",
    # Most numbers do not end in a zero, and that is quicker to see than to strip nothing.
    Kind.DECIMAL: """
    elif (
        type(value$i) is Decimal
        and value$i
        and value$i.is_finite()
        and 'E' not in (text$i := str(value$i))
        and len(text$i) < $max_digits
    ):
        if text$i[-1] == '0' and '.' in text$i:
            text$i = text$i.rstrip('0').rstrip('.')
        text$i = f'{tag$i}"{text$i}"'""",
    Kind.DATETIME: """
    elif type(value$i) is datetime and value$i.tzinfo is utc:
        text$i = f'{tag$i}"{datetime_text(value$i)}"'""",
}
"""Branches for values that need no coercion."""

_LIMITS = {"lowest": -(2**63), "highest": 2**63 - 1, "max_digits": MAX_DIGITS}


def row_reader(
    item_class: type,
    columns: Sequence[Column],
    naive_timezone: dt.tzinfo | None,
    *,
    positional: bool = False,
    spider: str = "",
    notify: Notify = silent,
) -> ReadRow:
    """Generate and compile the function for rows of `item_class`.

    `positional`: the first column is the row's position in its list, and no field of the item.
    `spider` is the value of the column `tables.SPIDER`, where there is one.
    """
    names: dict[str, object] = {**_HELPERS, "spider": spider}
    for index, column in enumerate(columns):
        converter = parts_converter if column.untracked_paths else field_converter
        names[f"tag{index}"] = field_tag(column)
        names[f"convert{index}"] = converter(column, naive_timezone, notify)
    source = row_source(columns, mapping=issubclass(item_class, Mapping), positional=positional)
    code = compile(source, f"<rows of {item_class.__qualname__}>", "exec")
    exec(code, names)  # noqa: S102 - the source is our own, see the module's docstring
    return cast("ReadRow", names["read"])


def row_source(columns: Sequence[Column], *, mapping: bool, positional: bool = False) -> str:
    """The source of the function; `mapping`: the item's fields are looked up with `get`."""
    names = [column.name for column in columns]
    ours = {SPIDER.name: "spider", **({names[0]: "position"} if positional else {})}
    expressions = [ours.get(name) or _get_field(name, mapping=mapping) for name in names]
    untracked = any(c.role is Role.UNTRACKED or c.untracked_paths for c in columns)
    roles = list(Role) if untracked else [Role.KEY, Role.TRACKED]
    return _fill(
        _FUNCTION,
        get_values="\n".join(f"        value{i} = {get}" for i, get in enumerate(expressions)),
        item_fields=[name for name in names if name not in ours],
        names=names,
        columns="\n".join(_convert_column(i, column) for i, column in enumerate(columns)),
        values=", ".join(f"value{i}" for i in range(len(columns))),
        encode_roles="\n".join(_encode_role(columns, role) for role in roles),
        any_nul=" or ".join(f"nul in {role.value}" for role in roles),
        size=" + ".join(f"len({role.value})" for role in roles),
    )


def _fill(template: str, **parts: object) -> str:
    """Put each part in the place of its `$name`."""
    return Template(template).substitute(parts)


def _get_field(name: str, *, mapping: bool) -> str:
    """The expression for a field of `item`; a name that a mapping does not have is None."""
    if mapping:
        return f"item.get({name!r})"
    # In source, Python folds some letters that are not ASCII into others, as it does ligatures.
    plain = name.isascii() and name.isidentifier() and not keyword.iskeyword(name)
    return f"item.{name}" if plain else f"getattr(item, {name!r})"


def _convert_column(index: int, column: Column) -> str:
    if column.untracked_paths:
        return _fill(_COLUMN_IN_PARTS, i=index)
    is_key = column.role is Role.KEY
    limited = any(each is not None for each in (column.length, column.scale, column.fit))
    as_it_is = "" if limited else _AS_IT_IS.get(column.kind, "")
    return _fill(
        _COLUMN,
        i=index,
        if_none=f"raise no_key({column.name!r})" if is_key else f"text{index} = ''",
        take_as_it_is=_fill(as_it_is, i=index, **_LIMITS),
    )


def _encode_role(columns: Sequence[Column], role: Role) -> str:
    order = row_order(columns, lambda column: column.role is role)
    texts = [f"{{text{index}}}" for index in order]
    if role is Role.UNTRACKED:
        texts += [f"{{beside{i}}}" for i, column in enumerate(columns) if column.untracked_paths]
    return _fill(_ROLE, role=role.value, texts="".join(texts))


def field_getter(item_class: type, name: str) -> Callable[[Any], object]:
    """A function that gets one field of an item, as the generated function does."""
    if issubclass(item_class, Mapping):
        return lambda item: item.get(name)

    def get(item: object) -> object:
        try:
            return getattr(item, name)
        except AttributeError:
            raise never_set(item, [name]) from None
        except Exception as error:  # noqa: BLE001 - a property of the user's may raise anything
            raise unexpected(error).inside(f".{name}") from None

    return get


_HELPERS: Mapping[str, object] = {
    "Decimal": Decimal,
    "datetime": dt.datetime,
    "datetime_text": datetime_text,
    "lone_surrogates": lone_surrogates,
    "never_set": never_set,
    "no_key": no_key,
    "nul": _NUL,
    "quote": encode_basestring,
    "unreadable": unreadable,
    "refuse_nul": refuse_nul,
    "utc": dt.timezone.utc,
}
