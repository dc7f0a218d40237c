"""The `SNAPSHOT_*` settings: one table of names, defaults, units and types, and its reader.

Pure: it turns a crawl's settings, names and values, into one frozen object.
"""

from __future__ import annotations

import difflib
import re
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Protocol, TypeAlias, TypeGuard, TypeVar

from scrapy_snapshot_pipeline.errors import SettingsError
from scrapy_snapshot_pipeline.safe_text import printable
from scrapy_snapshot_pipeline.setting_types import (
    DatabaseUrl,
    Flag,
    Folder,
    ItemDeclarations,
    Items,
    OneOf,
    Seconds,
    SettingType,
    Whole,
    Zone,
    url_in_folder,
)

PREFIX = "SNAPSHOT_"

Ack: TypeAlias = Literal["commit", "enqueue"]
"""When an item is acknowledged: at the commit of its record, or when the queue has taken it."""

EvolutionMode: TypeAlias = Literal["additive", "frozen"]
"""Whether tables follow a class that has changed, or the crawl does not start."""

OnOutage: TypeAlias = Literal["stop", "dead_letter"]
"""What happens after an outage of SNAPSHOT_OUTAGE_TIMEOUT; no record is lost either way."""

OnReject: TypeAlias = Literal["dead_letter", "drop", "stop"]
"""What becomes of a record that the database will never accept."""

RejectedItems: TypeAlias = Literal["error", "pass"]
"""What becomes of an item that cannot become a record: an item error, or it goes on."""

T = TypeVar("T")

_EVOLUTION: OneOf[EvolutionMode] = OneOf(("additive", "frozen"))
_ON_OUTAGE: OneOf[OnOutage] = OneOf(("stop", "dead_letter"))
_ON_REJECT: OneOf[OnReject] = OneOf(("dead_letter", "drop", "stop"))
_REJECTED_ITEMS: OneOf[RejectedItems] = OneOf(("error", "pass"))
_ACKS: OneOf[Ack] = OneOf(("commit", "enqueue"))
_MIB = 1024 * 1024
_GIB = 1024 * _MIB
_DAY = 86_400.0
_NUMBER = re.compile(r"\s*[+-]?[0-9]+(\.[0-9]+)?\s*")
"""The text of a number, as it comes from the command line."""
_NO_ITEMS: ItemDeclarations = MappingProxyType({})


class SettingsSource(Protocol):
    """The part of Scrapy's settings that is used; a plain dict has it too."""

    def __iter__(self) -> Iterator[object]:
        """Every name that is set."""

    def __getitem__(self, name: str, /) -> object:
        """The value; text, if it comes from the command line."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table of settings."""

    name: str
    """With its prefix, as the user writes it."""
    default: object
    unit: str
    """What the number counts; empty if the setting is not a number."""
    kind: SettingType[object]

    @property
    def allowed(self) -> str:
        """The range as a phrase that follows "must be"."""
        return self.kind.allowed

    def parse(self, value: object) -> object:
        """The value in its own type; raises SettingsError, which shows no text but a number's."""
        try:
            return self.kind.parse(value)
        except (TypeError, ValueError):
            # The text has neither the value nor the cause, which would show a URL's password.
            raise SettingsError(
                f"{self.name} must be {self.allowed}, not {self._shown(value)}; "
                f"leave it out for the default, {self.default!r}"
            ) from None

    def _shown(self, value: object) -> str:
        if value is None or isinstance(value, bool | int | float):
            return repr(value)
        if not isinstance(value, str):
            return f"a {type(value).__name__}"
        if self.unit:
            return (
                printable(value.strip()) if _NUMBER.fullmatch(value) else "a text that is no number"
            )
        return "another text" if value else "an empty text"


def _setting(default: T, kind: SettingType[T], unit: str = "", *, secret: bool = False) -> T:
    """A dataclass field that carries the rest of its `Setting`; `repr` leaves out a secret."""
    rest = {"default": default, "kind": kind, "unit": unit}
    described: T = field(default_factory=lambda: default, repr=not secret, metadata=rest)
    return described


@dataclass(frozen=True, slots=True)
class SnapshotSettings:
    """Every setting, checked.  The setting `SNAPSHOT_BATCH_SIZE` is the field `batch_size`."""

    enabled: bool = _setting(default=True, kind=Flag())
    database_url: str = _setting("sqlite:///snapshots.db", DatabaseUrl(), secret=True)
    items: ItemDeclarations = _setting(_NO_ITEMS, Items())
    create_tables: bool = _setting(default=True, kind=Flag())
    evolution: EvolutionMode = _setting("additive", _EVOLUTION)
    naive_timezone: zoneinfo.ZoneInfo | None = _setting(None, Zone())
    ack: Ack = _setting("commit", _ACKS)
    linger: float = _setting(0.02, Seconds(0, 10), "seconds")
    batch_size: int = _setting(500, Whole(1, 10_000), "records")
    batch_bytes: int = _setting(4 * _MIB, Whole(1, _GIB), "bytes")
    queue_size: int = _setting(2_000, Whole(1, 1_000_000), "records")
    queue_bytes: int = _setting(32 * _MIB, Whole(1, 64 * _GIB), "bytes")
    pause_at: int = _setting(1_000, Whole(0, 1_000_000), "items")
    item_max_bytes: int = _setting(_MIB, Whole(1, _GIB), "bytes")
    retry_times: int = _setting(3, Whole(0, 100), "attempts after the first")
    retry_backoff: float = _setting(1.0, Seconds(0, _DAY), "seconds")
    retry_backoff_max: float = _setting(15.0, Seconds(0, _DAY), "seconds")
    connect_timeout: float = _setting(10.0, Seconds(0.1, _DAY), "seconds")
    open_timeout: float = _setting(30.0, Seconds(0.1, _DAY), "seconds")
    close_timeout: float = _setting(25.0, Seconds(0.1, _DAY), "seconds")
    write_timeout: float = _setting(30.0, Seconds(0.1, _DAY), "seconds")
    outage_timeout: float = _setting(300.0, Seconds(0, 30 * _DAY), "seconds")
    on_outage: OnOutage = _setting("stop", _ON_OUTAGE)
    on_reject: OnReject = _setting("dead_letter", _ON_REJECT)
    rejected_items: RejectedItems = _setting("error", _REJECTED_ITEMS)
    dead_letter_dir: str | None = _setting(None, Folder())
    tune_process: bool = _setting(default=True, kind=Flag())
    dead_letter_max_bytes: int = _setting(256 * _MIB, Whole(0, 1024 * _GIB), "bytes")

    def __post_init__(self) -> None:
        """Refuse values that contradict each other."""
        for smaller, larger in AT_MOST:
            low, high = getattr(self, smaller), getattr(self, larger)
            if low > high:
                raise SettingsError(
                    f"{_name(smaller)} is {low:,}, more than {_name(larger)}, {high:,}: "
                    f"lower {_name(smaller)} or raise {_name(larger)}"
                )

    @classmethod
    def from_settings(cls, source: SettingsSource) -> SnapshotSettings:
        """Read a crawl's settings.  Raises SettingsError for an unknown name or a wrong value."""
        given = [name for name in source if _is_ours(name)]
        parsed: dict[str, Any] = {_field(name): _known(name).parse(source[name]) for name in given}
        return cls(**parsed)

    def in_folder(self, folder: Path) -> SnapshotSettings:
        """With relative paths taken from `folder`, not from wherever the process was started."""
        letters = self.dead_letter_dir
        return replace(
            self,
            database_url=url_in_folder(self.database_url, folder),
            dead_letter_dir=None if letters is None else str(folder / letters),
        )


AT_MOST = (
    ("item_max_bytes", "batch_bytes"),
    ("batch_bytes", "queue_bytes"),
    ("batch_size", "queue_size"),
    ("retry_backoff", "retry_backoff_max"),
)
"""Pairs of fields, of which the first must not exceed the second."""


def _name(field_name: str) -> str:
    return PREFIX + field_name.upper()


def _field(name: str) -> str:
    return name.removeprefix(PREFIX).lower()


SETTINGS: tuple[Setting, ...] = tuple(
    Setting(name=_name(each.name), **each.metadata) for each in fields(SnapshotSettings)
)
"""Every setting, in the order in which they are documented."""

_BY_NAME = {setting.name: setting for setting in SETTINGS}


def _is_ours(name: object) -> TypeGuard[str]:
    return isinstance(name, str) and name.startswith(PREFIX)


def _known(name: str) -> Setting:
    if name in _BY_NAME:
        return _BY_NAME[name]
    # The names are compared without the prefix, which would make them all alike.
    near = difflib.get_close_matches(_field(name), map(_field, _BY_NAME), n=1)
    cure = f"did you mean {_name(near[0])}?" if near else f"the settings are {', '.join(_BY_NAME)}"
    raise SettingsError(f"{name} is not a setting of scrapy-snapshot-pipeline; {cure}")
