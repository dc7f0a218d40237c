"""The types of settings: the allowed range in words, and the parsing of a value.

A value from a Python settings module comes in its own type, and from the command line as text.
"""

from __future__ import annotations

import json
import os
import re
import urllib.parse
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Generic, Protocol, TypeAlias, TypeVar

ItemDeclarations: TypeAlias = Mapping[type | str, Mapping[str, object]]
"""The options of the declarations, by class or by import path."""

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Number = TypeVar("Number", int, float)

_SECRETS = ("passw", "secret", "token")
"""Parts of names that a URL's query must not have; `passfile` is allowed, as it holds a path."""
_SQLITE_FILE = re.compile(
    r"(?P<before>sqlite(?:\+\w+)?:///(?:file:)?)(?P<path>(?!:memory:)[^?]+)(?P<after>(?:\?.*)?)"
)
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


class SettingType(Protocol[T_co]):
    """What a setting may hold."""

    @property
    def allowed(self) -> str:
        """The range as a phrase that follows "must be"."""

    def parse(self, value: object) -> T_co:
        """The value in its own type; raises ValueError or TypeError if it is not allowed."""


class Flag:
    """True or false, in the spellings that Scrapy accepts."""

    allowed = "True or False"

    def parse(self, value: object) -> bool:
        """Accept a bool, 0, 1, or the text of one of them in any case."""
        if str(value).lower() not in _FLAGS:
            raise ValueError
        return _FLAGS[str(value).lower()]


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from `least` to `most`, both included."""

    least: int
    most: int

    @property
    def allowed(self) -> str:
        """The range in words."""
        return f"a whole number from {self.least:,} to {self.most:,}"

    def parse(self, value: object) -> int:
        """Accept an int or its text."""
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise TypeError
        return _within(self.least, int(value), self.most)


@dataclass(frozen=True, slots=True)
class Seconds:
    """A duration from `least` to `most` seconds, both included."""

    least: float
    most: float

    @property
    def allowed(self) -> str:
        """The range in words."""
        return f"a number of seconds from {self.least:g} to {self.most:,.0f}"

    def parse(self, value: object) -> float:
        """Accept a number or its text."""
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise TypeError
        return _within(self.least, float(value), self.most)


@dataclass(frozen=True, slots=True)
class OneOf(Generic[T]):
    """One of a few words."""

    choices: tuple[T, ...]

    @property
    def allowed(self) -> str:
        """The words, quoted."""
        return " or ".join(f'"{choice}"' for choice in self.choices)

    def parse(self, value: object) -> T:
        """Accept a word in exactly its spelling."""
        for choice in self.choices:
            if choice == value:
                return choice
        raise ValueError


class DatabaseUrl:
    """A URL for SQLAlchemy, which checks the rest of it later, when the store opens."""

    allowed = (
        "a database URL without a secret after its ?, such as sqlite:///snapshots.db or "
        "postgresql+psycopg2://user@host/db"
    )

    def parse(self, value: object) -> str:
        """Accept text with a scheme before `://`, and no password in the query.

        SQLAlchemy masks a password in front of the host, but shows one in the query.
        """
        if not isinstance(value, str):
            raise TypeError
        if not value.partition("://")[0] or "://" not in value:
            raise ValueError
        if _has_secret(urllib.parse.urlsplit(value).query):
            raise ValueError
        return value


def sqlite_file(url: str) -> str | None:
    """The path in a SQLite URL; None where it names no file."""
    found = _SQLITE_FILE.fullmatch(url)
    return found["path"] if found else None


def url_in_folder(url: str, folder: Path) -> str:
    """The URL with a relative path of a SQLite file taken from `folder`; others as they are."""
    found = _SQLITE_FILE.fullmatch(url)
    if found is None or "?" in str(folder):
        return url
    return f"{found['before']}{(folder / found['path']).as_posix()}{found['after']}"


class Folder:
    """A folder of the file system."""

    allowed = "None or the path of a folder"

    def parse(self, value: object) -> str | None:
        """Accept a path as text or as a path object; whether it can be used is not checked."""
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
        """Accept a mapping or, from the command line, JSON; the options are not checked here."""
        declared = json.loads(value) if isinstance(value, str) else value
        if not isinstance(declared, Mapping):
            raise TypeError
        if not all(isinstance(key, type | str) and key for key in declared):
            raise TypeError
        if not all(isinstance(options, Mapping) for options in declared.values()):
            raise TypeError
        return MappingProxyType(dict(declared))


class Zone:
    """The time zone in which datetimes without one are read."""

    allowed = (
        'None or the name of a time zone, such as "UTC" or "Europe/London" '
        "(a machine without time zones needs the package tzdata)"
    )

    def parse(self, value: object) -> zoneinfo.ZoneInfo | None:
        """Accept an IANA name."""
        if value is None:
            return None
        if not isinstance(value, str):
            raise TypeError
        try:
            return zoneinfo.ZoneInfo(value)
        except (KeyError, OSError) as error:  # unknown, or a folder of zones such as "Europe"
            raise ValueError from error


def _has_secret(query: str) -> bool:
    names = (name.lower() for name, _ in urllib.parse.parse_qsl(query, keep_blank_values=True))
    return any(secret in name for name in names for secret in _SECRETS)


def _within(least: Number, value: Number, most: Number) -> Number:
    if not least <= value <= most:
        raise ValueError
    return value
