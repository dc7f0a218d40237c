"""What one setting may hold: its range in words, and how a value of it is read.

Values come from Python settings in their own type and from the command line as text.
"""

from __future__ import annotations

import json
import os
import urllib.parse
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, Protocol, TypeAlias, TypeVar

ItemDeclarations: TypeAlias = Mapping[type | str, Mapping[str, object]]
"""Classes, or their import paths, and the options of their declarations."""

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Number = TypeVar("Number", int, float)

_SECRETS = ("passw", "secret", "token")
"""Parts of the names of what has no place in the query of a URL; `passfile` has."""
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


class Kind(Protocol[T_co]):
    """What a setting may hold."""

    @property
    def allowed(self) -> str:
        """The range in words, to follow "must be"."""

    def parse(self, value: object) -> T_co:
        """Give the value in its own type; raises ValueError or TypeError if it is not allowed."""


class Flag:
    """True or false, in the spellings that Scrapy takes."""

    allowed = "True or False"

    def parse(self, value: object) -> bool:
        """Take a bool, 0, 1 or their names."""
        if str(value).lower() not in _FLAGS:
            raise ValueError
        return _FLAGS[str(value).lower()]


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from `least` to `most`."""

    least: int
    most: int

    @property
    def allowed(self) -> str:
        """The range in words."""
        return f"a whole number from {self.least:,} to {self.most:,}"

    def parse(self, value: object) -> int:
        """Take an int or its digits."""
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise TypeError
        return _within(self.least, int(value), self.most)


@dataclass(frozen=True, slots=True)
class Seconds:
    """A duration from `least` to `most` seconds."""

    least: float
    most: float

    @property
    def allowed(self) -> str:
        """The range in words."""
        return f"a number of seconds from {self.least:g} to {self.most:,.0f}"

    def parse(self, value: object) -> float:
        """Take a number or its digits."""
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise TypeError
        return _within(self.least, float(value), self.most)


@dataclass(frozen=True, slots=True)
class OneOf(Generic[T]):
    """One of a few words."""

    choices: tuple[T, ...]

    @property
    def allowed(self) -> str:
        """The words."""
        return " or ".join(f'"{choice}"' for choice in self.choices)

    def parse(self, value: object) -> T:
        """Take a word as it is written."""
        for choice in self.choices:
            if choice == value:
                return choice
        raise ValueError


class DatabaseUrl:
    """A URL for SQLAlchemy, which checks the rest of it when the store opens."""

    allowed = (
        "a database URL, with no secret behind its ?, such as sqlite:///snapshots.db or "
        "postgresql+psycopg2://user@host/db"
    )

    def parse(self, value: object) -> str:
        """Take a text with a scheme before `://`; SQLAlchemy would show a password in the query."""
        if not isinstance(value, str):
            raise TypeError
        if not value.partition("://")[0] or "://" not in value:
            raise ValueError
        if _has_secret(urllib.parse.urlsplit(value).query):
            raise ValueError
        return value


class Folder:
    """A folder of the file system."""

    allowed = "None or the path of a folder"

    def parse(self, value: object) -> str | None:
        """Take a path as text or as a path object; whether it can be used is seen later."""
        if value is None:
            return None
        path = os.fspath(value) if isinstance(value, os.PathLike) else value
        if not isinstance(path, str):
            raise TypeError
        if not path or "\0" in path:
            raise ValueError
        return path


class Items:
    """Declarations for classes that cannot be decorated."""

    allowed = (
        "a dict of classes, or of their import paths, to dicts of options, such as "
        '{"myproject.items.Book": {"table": "book", "key": "url"}}'
    )

    def parse(self, value: object) -> ItemDeclarations:
        """Take a mapping or, from the command line, JSON; what the options say is not read here."""
        declared = json.loads(value) if isinstance(value, str) else value
        if not isinstance(declared, Mapping):
            raise TypeError
        if not all(isinstance(key, type | str) and key for key in declared):
            raise TypeError
        if not all(isinstance(options, Mapping) for options in declared.values()):
            raise TypeError
        return MappingProxyType(dict(declared))


class Zone:
    """The time zone of datetimes that state none."""

    allowed = (
        'None or the name of a time zone, such as "UTC" or "Europe/London" '
        "(a machine without time zones needs the package tzdata)"
    )

    def parse(self, value: object) -> zoneinfo.ZoneInfo | None:
        """Take the IANA name."""
        if value is None:
            return None
        if not isinstance(value, str):
            raise TypeError
        try:
            return zoneinfo.ZoneInfo(value)
        except (KeyError, OSError) as error:  # unknown; a folder of zones, as "Europe"
            raise ValueError from error


def _has_secret(query: str) -> bool:
    names = (name.lower() for name, _ in urllib.parse.parse_qsl(query, keep_blank_values=True))
    return any(secret in name for name in names for secret in _SECRETS)


def _within(least: Number, value: Number, most: Number) -> Number:
    if not least <= value <= most:
        raise ValueError
    return value
