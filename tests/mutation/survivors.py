"""The mutants that no test can notice, by the reason: as a rule they do exactly the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tests.mutation.mutants import Mutant

EXPLAINED: dict[str, tuple[Mutant, ...]] = {
    "A child row begins where a version does, and no record begins there: its time is confirmed.": (
        Mutant(
            "scd2.child_rows._Row.contains",
            "return self.valid_from <= time and (self.valid_to is None or time < self.valid_to)",
            "return self.valid_from < time and (self.valid_to is None or time < self.valid_to)",
        ),
    ),
    "A row is never cut at a time at which one of its versions was seen: that time is confirmed.": (
        Mutant(
            "scd2.child_rows.ChildRows._cut",
            "elif seen_at(row.snapshot_id) < start:",
            "elif seen_at(row.snapshot_id) <= start:",
        ),
    ),
    "None is as false as False.": (
        Mutant("scd2.plan.reading", "changed = False", "changed = None"),
        Mutant(
            "capture.unseen_names.UnseenNames.__init__",
            "self._any_item = False",
            "self._any_item = None",
        ),
    ),
    "No hash is equal to it either.": (
        Mutant(
            "scd2.timeline._History.__init__",
            "self._previous_hash: bytes | None = None",
            'self._previous_hash: bytes | None = ""',
        ),
    ),
    "Asked only where no version is valid at the time, so that none begins there.": (
        Mutant(
            "scd2.timeline._History._following",
            "return next((v for v in self._versions if v.lasts and v.valid_from > time), None)",
            "return next((v for v in self._versions if v.lasts and v.valid_from >= time), None)",
        ),
    ),
    "What follows is asked for its content only, which is another one here.": (
        Mutant(
            "scd2.timeline._History._split",
            "return self._begin(record, version.valid_from, version)",
            "return self._begin(record, version.valid_from, None)",
        ),
    ),
    "No kind of error and no fault is equal to it either.": (
        Mutant(
            "delivery.retry.FailureTracker.__init__",
            "self._kind: type[BaseException] | None = None",
            'self._kind: type[BaseException] | None = ""',
        ),
        Mutant(
            "delivery.bisect.CircuitBreaker.__init__",
            "self._signature: Hashable = None",
            'self._signature: Hashable = ""',
        ),
    ),
    "The first failure of a kind, or the first fault, sets it before it is read.": (
        Mutant(
            "delivery.retry.FailureTracker.__init__", "self._failures = 0", "self._failures = None"
        ),
        Mutant(
            "delivery.retry.FailureTracker.__init__", "self._failures = 0", "self._failures = 1"
        ),
        Mutant(
            "delivery.retry.FailureTracker.reset_failures",
            "self._kind, self._failures = None, 0",
            "self._kind, self._failures = None, 1",
        ),
        Mutant(
            "delivery.bisect.CircuitBreaker.__init__", "self._in_a_row = 0", "self._in_a_row = None"
        ),
        Mutant(
            "delivery.bisect.CircuitBreaker.__init__", "self._in_a_row = 0", "self._in_a_row = 1"
        ),
    ),
    "Whatever the callback gives, nobody is left to take it.": (
        Mutant(
            "delivery.queue._refuse",
            "admitted.addErrback(lambda _: None)",
            "admitted.addErrback(lambda _: 0)",
        ),
    ),
    "The quick look is left out, and the slow one gives the same.": (
        Mutant(
            "capture.canonical.same",
            "if type(one) is type(other) and not isinstance(one, _CONTAINERS):",
            "if type(None) is type(other) and not isinstance(one, _CONTAINERS):",
        ),
        Mutant(
            "capture.canonical.same",
            "if type(one) is type(other) and not isinstance(one, _CONTAINERS):",
            "if type(one) is type(None) and not isinstance(one, _CONTAINERS):",
        ),
        Mutant(
            "capture.compile._ListReader.ids",
            "return self._top_ids if parent is None else canonical.child_ids(parent, self.path)",
            "return self._top_ids if (parent is None) and False else canonical.child_ids(parent, self.path)",
        ),
        Mutant(
            "capture.compile._as_list",
            "if type(items) is list: # nearly always, and the check below takes longer than reading a row",
            "if type(None) is list: # nearly always, and the check below takes longer than reading a row",
        ),
        Mutant(
            "capture.json_values._text",
            "return value if type(value) is str else str.__str__(value)",
            "return value if (type(value) is str) and False else str.__str__(value)",
        ),
        Mutant(
            "capture.json_values._text",
            "return value if type(value) is str else str.__str__(value)",
            "return value if type(None) is str else str.__str__(value)",
        ),
        Mutant(
            "capture.coerce.to_uuid",
            "return value if type(value) is uuid.UUID else uuid.UUID(int=value.int)",
            "return value if (type(value) is uuid.UUID) and False else uuid.UUID(int=value.int)",
        ),
        Mutant(
            "capture.coerce.to_uuid",
            "return value if type(value) is uuid.UUID else uuid.UUID(int=value.int)",
            "return value if type(None) is uuid.UUID else uuid.UUID(int=value.int)",
        ),
        Mutant("capture.coerce.to_text", "if type(value) is str:", "if type(None) is str:"),
        Mutant(
            "capture.values.numbers.to_decimal",
            "if type(value) is Decimal and _is_plain(value):",
            "if type(None) is Decimal and _is_plain(value):",
        ),
        Mutant(
            "capture.values.numbers.to_decimal",
            "return number if type(number) is Decimal else Decimal(number)",
            "return number if (type(number) is Decimal) and False else Decimal(number)",
        ),
        Mutant(
            "capture.values.numbers.to_decimal",
            "return number if type(number) is Decimal else Decimal(number)",
            "return number if type(None) is Decimal else Decimal(number)",
        ),
        Mutant(
            "capture.values.numbers.finite_decimal",
            "number = value if isinstance(value, Decimal) else _exact(value)",
            "number = value if (isinstance(value, Decimal)) and False else _exact(value)",
        ),
        Mutant(
            "capture.values.numbers._is_plain",
            'return "E" not in text and len(text) < MAX_DIGITS',
            'return "E" not in text and len(text) <= MAX_DIGITS',
        ),
        Mutant(
            "capture.dotted_names.parted",
            "kept[name], out = parted(member, inside) if inside else (member, None)",
            "kept[name], out = parted(member, inside) if (inside) or True else (member, None)",
        ),
        Mutant(
            "capture.untyped.UntypedReader.read",
            "tracked, untracked = parted(data, self._untracked) if self._untracked else (data, {})",
            "tracked, untracked = parted(data, self._untracked) if (self._untracked) or True else (data, {})",
        ),
        Mutant(
            "capture.untyped._check_names",
            'if PREFIX in "\\n".join(data).lower() and any(map(is_ours, data)): # the first is much quicker',
            'if PREFIX in "XX\\nXX".join(data).lower() and any(map(is_ours, data)): # the first is much quicker',
        ),
        Mutant(
            "capture.converters._without_excluded",
            "return (lambda value: read(without(value, paths))) if paths else read",
            "return (lambda value: read(without(value, paths))) if (paths) or True else read",
        ),
    ),
    "The two forms of the format differ for NaN and infinity only, which capture refuses.": (
        Mutant(
            "capture.canonical.decimal_text",
            'return format(value.normalize(DECIMAL_CONTEXT), "f")',
            'return format(value.normalize(DECIMAL_CONTEXT), "F")',
        ),
    ),
    "No X is in the text of a number or a zone, and only one dot can be at its end.": (
        Mutant(
            "capture.canonical.decimal_text",
            'return text.rstrip("0").rstrip(".") if "." in text else text',
            'return text.rstrip("XX0XX").rstrip(".") if "." in text else text',
        ),
        Mutant(
            "capture.canonical.decimal_text",
            'return text.rstrip("0").rstrip(".") if "." in text else text',
            'return text.rstrip("0").rstrip("XX.XX") if "." in text else text',
        ),
        Mutant(
            "capture.iso_times._offset",
            'return "+00:00" if zone in "Zz" else f"{zone[:3]}:{zone[-2:]}"',
            'return "+00:00" if zone in "XXZzXX" else f"{zone[:3]}:{zone[-2:]}"',
        ),
    ),
    "The name of a codec may be written either way.": (
        Mutant(
            "capture.canonical.bytes_text",
            'return base64.b64encode(value).decode("ascii")',
            'return base64.b64encode(value).decode("ASCII")',
        ),
        Mutant(
            "capture.canonical.encode_path",
            'return _row_json(list(path)).encode("utf-8")',
            'return _row_json(list(path)).encode("UTF-8")',
        ),
    ),
    "It runs when its module is loaded, before a mutant is chosen; by hand, tests fail.": (
        Mutant(
            "capture.canonical._quoted",
            "return lambda value: f'\"{render(value)}\"'",
            "return lambda value: None",
        ),
        Mutant(
            "capture.canonical._quoted",
            "return lambda value: f'\"{render(value)}\"'",
            "return lambda value: f'\"{render(None)}\"'",
        ),
        Mutant(
            "capture.canonical._hasher",
            'def _hasher(person: bytes, prefix: bytes = b"") -> Hasher:',
            'def _hasher(person: bytes, prefix: bytes = b"XXXX") -> Hasher:',
        ),
    ),
    "An entity has a key, and no position.": (
        Mutant(
            "capture.untyped.UntypedReader.read",
            "keys, key, _, _ = self._read_keys(present, position)",
            "keys, key, _, _ = self._read_keys(present, None)",
        ),
        Mutant(
            "capture.compile._Capture.record",
            "values, key, tracked, size = self._read(item, 0)",
            "values, key, tracked, size = self._read(item, None)",
        ),
        Mutant(
            "capture.compile._Capture.record",
            "values, key, tracked, size = self._read(item, 0)",
            "values, key, tracked, size = self._read(item, 1)",
        ),
    ),
    "The first row sets it before it is read.": (
        Mutant("capture.compile._ChildRows._collect_list", "position = 0", "position = None"),
        Mutant("capture.compile._ChildRows._collect_list", "position = 0", "position = 1"),
    ),
    "The one field that is asked for is there neither in the item nor in None.": (
        Mutant(
            "capture.row_reader.field_getter",
            "raise never_set(item, [name]) from None",
            "raise never_set(None, [name]) from None",
        ),
    ),
    "There are as many names as values.": (
        Mutant(
            "capture.row_errors._bad_text",
            "named = zip(names, values, strict=True)",
            "named = zip(names, values, strict=None)",
        ),
        Mutant(
            "capture.row_errors._bad_text",
            "named = zip(names, values, strict=True)",
            "named = zip(names, values, )",
        ),
        Mutant(
            "capture.row_errors._bad_text",
            "named = zip(names, values, strict=True)",
            "named = zip(names, values, strict=False)",
        ),
    ),
    "A cast says something to the type checker only.": (
        Mutant(
            "capture.row_reader.row_reader",
            'return cast("ReadRow", names["read"])',
            'return cast(None, names["read"])',
        ),
        Mutant(
            "capture.row_reader.row_reader",
            'return cast("ReadRow", names["read"])',
            'return cast("XXReadRowXX", names["read"])',
        ),
        Mutant(
            "capture.row_reader.row_reader",
            'return cast("ReadRow", names["read"])',
            'return cast("readrow", names["read"])',
        ),
        Mutant(
            "capture.row_reader.row_reader",
            'return cast("ReadRow", names["read"])',
            'return cast("READROW", names["read"])',
        ),
    ),
    "A column of values inside of JSON is asked for neither name nor role.": (
        Mutant(
            "capture.json_values._member_by",
            '"", field.kind, Role.TRACKED, field.annotation, None,',
            "None, field.kind, Role.TRACKED, field.annotation, None,",
        ),
        Mutant(
            "capture.json_values._member_by",
            '"", field.kind, Role.TRACKED, field.annotation, None,',
            '"XXXX", field.kind, Role.TRACKED, field.annotation, None,',
        ),
        Mutant(
            "capture.json_values._member_by",
            '"", field.kind, Role.TRACKED, field.annotation, None,',
            '"", field.kind, None, field.annotation, None,',
        ),
    ),
    "A mapping names two types: the last is the second.": (
        Mutant(
            "capture.json_values._to_plain_by",
            "return _mapping_of(_member_by(inner[-1], any_value))",
            "return _mapping_of(_member_by(inner[+1], any_value))",
        ),
    ),
    "What may be a key is not nested.": (
        Mutant(
            "capture.json_values._key_text",
            "return str(_AnyValue(None, silent).plain(key, MAX_DEPTH))",
            "return str(_AnyValue(None, silent).plain(key, None))",
        ),
    ),
    "A zero with the exponent 0 is Decimal(0).": (
        Mutant(
            "capture.values.numbers.to_decimal",
            "return number.copy_abs() if -MAX_DIGITS <= number.adjusted() <= 0 else Decimal(0)",
            "return number.copy_abs() if -MAX_DIGITS <= number.adjusted() < 0 else Decimal(0)",
        ),
    ),
    "A number is rounded to the exponent of the other, which is the same.": (
        Mutant(
            "capture.values.numbers.to_decimal",
            "return number.quantize(Decimal(1), context=DECIMAL_CONTEXT)",
            "return number.quantize(Decimal(2), context=DECIMAL_CONTEXT)",
        ),
        Mutant(
            "capture.values.numbers.decimal_of",
            "step = Decimal(1).scaleb(-scale)",
            "step = Decimal(2).scaleb(-scale)",
        ),
        Mutant("capture.values.numbers.to_decimal", "if exponent > 0:", "if exponent >= 0:"),
    ),
    "A version as a tuple begins with its id, which no other has.": (
        Mutant(
            "scd2.conflicts.count_conflicts",
            "others = sorted((v for v in stored if v.snapshot_id not in own), key=lambda v: v.snapshot_id)",
            "others = sorted((v for v in stored if v.snapshot_id not in own), key=None)",
        ),
        Mutant(
            "scd2.conflicts.count_conflicts",
            "others = sorted((v for v in stored if v.snapshot_id not in own), key=lambda v: v.snapshot_id)",
            "others = sorted((v for v in stored if v.snapshot_id not in own), )",
        ),
    ),
    "Six digits of a second are all that there are.": (
        Mutant(
            "capture.values.times.time_of",
            "if digits is None or digits >= _MICROSECONDS:",
            "if digits is None or digits > _MICROSECONDS:",
        ),
    ),
    "Nothing is as false as zero.": (
        Mutant(
            "capture.values.times.to_duration",
            'if getattr(value, "nanoseconds", 0):',
            'if getattr(value, "nanoseconds", None):',
        ),
        Mutant(
            "capture.values.times._note_fineness",
            'fine: object = getattr(value, "nanosecond", 0)',
            'fine: object = getattr(value, "nanosecond", None)',
        ),
    ),
    "A float is nothing of numpy's; to ask only costs time.": (
        Mutant(
            "capture.values.numbers.to_float",
            "if type(value) is not float:",
            "if type(None) is not float:",
        ),
    ),
    "With no digits one is written, and nine are enough.": (
        Mutant(
            "capture.values.numbers.to_single",
            'written = (float(f"{nearest:.{digits}g}") for digits in range(1, _SINGLE_DIGITS + 1))',
            'written = (float(f"{nearest:.{digits}g}") for digits in range(_SINGLE_DIGITS + 1))',
        ),
        Mutant(
            "capture.values.numbers.to_single",
            'written = (float(f"{nearest:.{digits}g}") for digits in range(1, _SINGLE_DIGITS + 1))',
            'written = (float(f"{nearest:.{digits}g}") for digits in range(1, _SINGLE_DIGITS + 2))',
        ),
    ),
    "No decimal of few digits is half a step below a power of two, where the two steps differ.": (
        Mutant(
            "capture.values.numbers._tells",
            "mirrored = single + 2 * (text - single)",
            "mirrored = single - 2 * (text - single)",
        ),
    ),
    "The limit itself is a float, so it has been taken before.": (
        Mutant(
            "capture.values.numbers._check_kept",
            "if not number or abs(exact) > _WHOLE_FLOATS or digits > _FLOAT_DIGITS:",
            "if not number or abs(exact) >= _WHOLE_FLOATS or digits > _FLOAT_DIGITS:",
        ),
    ),
    "A number has no members, so its depth does not matter.": (
        Mutant(
            "capture.json_values._AnyValue.plain",
            "return self.plain(number, depth)",
            "return self.plain(number, None)",
        ),
    ),
    "Nothing is said of what may be the name of a member.": (
        Mutant(
            "capture.json_values._key_text",
            "return str(_AnyValue(None, silent).plain(key, MAX_DEPTH))",
            "return str(_AnyValue(None, None).plain(key, MAX_DEPTH))",
        ),
        Mutant(
            "capture.values.notices.silent",
            'def silent(_notice: Notice, _path: str = "") -> None:',
            'def silent(_notice: Notice, _path: str = "XXXX") -> None:',
        ),
    ),
    "Where the spider is a part of the key, it is handed in.": (
        Mutant("capture.compile.compile_capture", 'spider: str = "",', 'spider: str = "XXXX",'),
        Mutant(
            "capture.untyped.UntypedReader.__init__", 'spider: str = "",', 'spider: str = "XXXX",'
        ),
        Mutant("capture.row_reader.row_reader", 'spider: str = "",', 'spider: str = "XXXX",'),
    ),
}


def complaints(living: Iterable[Mutant], explained: Iterable[Mutant]) -> list[str]:
    """What is wrong with each mutant that lives unexplained, or is explained and is dead.

    A mutant counts as often as it is there: one function may have several that look alike.
    """
    found, known = Counter(living), Counter(explained)
    return [
        *(_shown("no test notices", *each) for each in (found - known).items()),
        *(_shown("explained, but does not live", *each) for each in (known - found).items()),
    ]


def _shown(problem: str, mutant: Mutant, times: int) -> str:
    often = f", {times} times" if times > 1 else ""
    return f"\n{mutant.function}: {problem}{often}\n  - {mutant.was}\n  + {mutant.becomes}"
