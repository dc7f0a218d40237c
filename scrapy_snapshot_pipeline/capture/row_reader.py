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

from scrapy_snapshot_pipeline.capture.canonical import (
    datetime_text,
    field_tag,
    field_text,
    row_order,
)
from scrapy_snapshot_pipeline.capture.coerce import (
    MAX_DIGITS,
    Coerce,
    CoerceError,
    coercer,
    unexpected,
)
from scrapy_snapshot_pipeline.capture.json_values import json_coercer
from scrapy_snapshot_pipeline.declaration.tables import Column, Kind, Role
from scrapy_snapshot_pipeline.records import Value

Row: TypeAlias = tuple[tuple[Value, ...], bytes, bytes, int]
"""The coerced values; the encoded key fields; the encoded tracked fields; and the size in bytes of
all encoded fields, the untracked ones included."""
ReadRow: TypeAlias = Callable[[Any, int], Row]
"""Takes an item and its position in its list, from 0.  Raises `CoerceError`."""
ConvertField: TypeAlias = Callable[[Any], tuple[Value, str]]
"""Takes a scraped value, and gives the stored value and its field for `canonical.row_bytes`, empty
where the value is None.  Raises `CoerceError`, with the field's name in its path."""

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
) -> ReadRow:
    """Generate and compile the function for rows of `item_class`.

    `positional`: the first column is the row's position in its list, and no field of the item.
    """
    names: dict[str, object] = dict(_HELPERS)
    for index, column in enumerate(columns):
        names[f"tag{index}"] = field_tag(column)
        names[f"convert{index}"] = field_converter(column, naive_timezone)
    source = row_source(columns, mapping=issubclass(item_class, Mapping), positional=positional)
    code = compile(source, f"<rows of {item_class.__qualname__}>", "exec")
    exec(code, names)  # noqa: S102 - the source is our own, see the module's docstring
    return cast("ReadRow", names["read"])


def row_source(columns: Sequence[Column], *, mapping: bool, positional: bool = False) -> str:
    """The source of the function; `mapping`: the item's fields are looked up with `get`."""
    names = [column.name for column in columns]
    item_fields = names[1:] if positional else names
    expressions = [_get_field(name, mapping=mapping) for name in item_fields]
    expressions = ["position", *expressions] if positional else expressions
    untracked = any(column.role is Role.UNTRACKED for column in columns)
    roles = list(Role) if untracked else [Role.KEY, Role.TRACKED]
    return _fill(
        _FUNCTION,
        get_values="\n".join(f"        value{i} = {get}" for i, get in enumerate(expressions)),
        item_fields=item_fields,
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
    is_key = column.role is Role.KEY
    limited = column.length is not None or column.scale is not None
    as_it_is = "" if limited else _AS_IT_IS.get(column.kind, "")
    return _fill(
        _COLUMN,
        i=index,
        if_none=f"raise no_key({column.name!r})" if is_key else f"text{index} = ''",
        take_as_it_is=_fill(as_it_is, i=index, **_LIMITS),
    )


def _encode_role(columns: Sequence[Column], role: Role) -> str:
    order = row_order(columns, lambda column: column.role is role)
    return _fill(_ROLE, role=role.value, texts="".join(f"{{text{index}}}" for index in order))


def field_converter(column: Column, naive_timezone: dt.tzinfo | None) -> ConvertField:
    """The function that converts any value of one column."""
    coerce, write = _coercer(column, naive_timezone), field_text(column)
    step = f".{column.name}"

    def convert(value: object) -> tuple[Value, str]:
        if value is None:
            return None, ""
        try:
            stored = coerce(value)
        except CoerceError as error:
            raise error.inside(step) from None
        except Exception as error:  # noqa: BLE001 - a class of the user's may raise anything
            raise unexpected(error).inside(step) from None
        return stored, write(stored)

    return convert


def _coercer(column: Column, naive_timezone: dt.tzinfo | None) -> Coerce:
    if column.kind is Kind.JSON:
        return json_coercer(column.annotation, naive_timezone)
    return coercer(column, naive_timezone)


def field_getter(item_class: type, name: str) -> Callable[[Any], object]:
    """A function that gets one field of an item, as the generated function does."""
    if issubclass(item_class, Mapping):
        return lambda item: item.get(name)

    def get(item: object) -> object:
        try:
            return getattr(item, name)
        except AttributeError:
            raise _never_set(item, [name]) from None
        except Exception as error:  # noqa: BLE001 - a property of the user's may raise anything
            raise unexpected(error).inside(f".{name}") from None

    return get


def _no_key(name: str) -> CoerceError:
    cure = "fill it in the spider, or drop the item before this pipeline"
    return CoerceError("a key field is missing or None", cure, f".{name}")


def _never_set(item: object, names: Sequence[str]) -> CoerceError:
    unset = next((f".{name}" for name in names if not hasattr(item, name)), "")
    return CoerceError("the field was never set", "set it, or give the field a default", unset)


def _unreadable(item: object, names: Sequence[str]) -> CoerceError:
    """The error for an item of which reading a field fails; that field is read once more."""
    for name in names:
        try:
            getattr(item, name)
        except Exception as error:  # noqa: BLE001, PERF203 - a property may raise anything
            return unexpected(error).inside(f".{name}")
    return CoerceError("a field could not be read", "correct it in the item's class")


def lone_surrogates(names: Sequence[str], values: Sequence[Value]) -> CoerceError:
    """The error for a row that cannot be encoded."""
    return _bad_text("lone surrogates", names, values, _has_surrogate)


def _refuse_nul(names: Sequence[str], values: Sequence[Value]) -> None:
    r"""Raise if a text has a NUL; a harmless backslash before "u0000" is encoded alike."""
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
    "lone_surrogates": lone_surrogates,
    "never_set": _never_set,
    "no_key": _no_key,
    "nul": _NUL,
    "quote": encode_basestring,
    "unreadable": _unreadable,
    "refuse_nul": _refuse_nul,
    "utc": dt.timezone.utc,
}
