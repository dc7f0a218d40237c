"""The options of a declaration, and what the names in them lead to.

A name in `untracked` and `exclude` is that of a field, or leads into one: `metadata.date`,
`files.status`.  It goes through the members of lists by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NoReturn

from scrapy_snapshot_pipeline.errors import DeclarationError

OPTIONS = ("key", "per_spider", "table", "untracked", "exclude", "label")
"""What `@snapshot` and an entry of SNAPSHOT_ITEMS may state."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user declares of one class."""

    key: tuple[str, ...] = ()
    table: str | None = None
    untracked: tuple[str, ...] = ()
    per_spider: bool = False
    exclude: tuple[str, ...] = ()
    label: str | None = None

    def inside(self, field: str) -> Options:
        """What the names that lead into this field say of what is in it."""
        return Options(
            untracked=tuple(_inside(field, self.untracked)),
            exclude=tuple(_inside(field, self.exclude)),
        )

    def plus(self, other: Options) -> Options:
        """The same, with the names of another one too."""
        return replace(
            self,
            untracked=(*self.untracked, *other.untracked),
            exclude=(*self.exclude, *other.exclude),
        )


def refuse(item_class: type, field: str | None, problem: str, cure: str) -> NoReturn:
    """Raise the error for a class, or for one of its fields."""
    where = item_class.__qualname__ if field is None else f"{item_class.__qualname__}.{field}"
    raise DeclarationError(f"{where} {problem}; {cure}")


def check_options(
    item_class: type, options: Options, known: Collection[str] | None, nested: Collection[str]
) -> None:
    """Raise `DeclarationError` for names that make no sense.

    `known` are the fields, those that are left out too; None: nobody knows them.  `nested` are
    those of them into which a name may lead.
    """
    named = {"key": options.key, "untracked": options.untracked, "exclude": options.exclude}
    for option, names in named.items():
        if known is not None:
            _check_fields(item_class, option, names, known, nested)
    for option in ("untracked", "exclude"):
        for name in named[option]:
            if name in options.key:
                refuse(item_class, name, f"is both key and {option}", f"remove it from {option}")
    for name in options.untracked:
        if name in options.exclude:
            cure = "remove it from untracked"
            refuse(item_class, name, "is both untracked and left out with exclude", cure)


def check_label(item_class: type, options: Options, known: Collection[str] | None) -> None:
    """Raise `DeclarationError` for a label that is not stored with the entity.

    `known` are the fields that are, if anybody knows them.
    """
    label = options.label
    if label is None:
        return
    if label in options.exclude:
        cure = "remove it from exclude"
        refuse(item_class, label, "is both label and left out with exclude", cure)
    if known is not None and label not in known:
        cure = f"the fields that can be are: {', '.join(known)}"
        refuse(item_class, label, "is named in label but is no field of the entity's table", cure)


def _check_fields(
    item_class: type,
    option: str,
    names: Iterable[str],
    known: Collection[str],
    nested: Collection[str],
) -> None:
    for name in names:
        field, dot, _ = ("", "", "") if name in known else name.partition(".")
        if not field:
            continue
        if field not in known or option == "key":
            cure = f"the fields are: {', '.join(known)}"
            refuse(item_class, name, f"is named in {option} but is not a field", cure)
        if dot and field not in nested:
            cure = f"name {field} itself, or a field that is nested"
            refuse(item_class, name, f"is named in {option} but {field} is not nested", cure)


def _inside(field: str, names: Iterable[str]) -> Iterator[str]:
    start = f"{field}."
    return (name[len(start) :] for name in names if name.startswith(start))
