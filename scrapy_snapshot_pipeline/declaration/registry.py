"""Registers declared classes, by `@snapshot` and `SNAPSHOT_ITEMS`, and resolves them on first use.

The decorator only stores the options.  On first use every class that an annotation names exists,
and every decorator above `@snapshot` has done its work.
"""

from __future__ import annotations

import builtins
import pkgutil
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from scrapy_snapshot_pipeline.declaration.options import OPTIONS, Options
from scrapy_snapshot_pipeline.declaration.resolve import child_classes, resolve
from scrapy_snapshot_pipeline.declaration.tables import Declaration
from scrapy_snapshot_pipeline.errors import DeclarationError

ItemClass = TypeVar("ItemClass", bound=type)

_MARK = "__snapshot_options__"

# The references are weak, since a class that is gone needs no table.  The keys are names, so that a
# class that is reloaded, or rebuilt by another decorator, replaces the one that it was.
_registry: weakref.WeakValueDictionary[tuple[str, str], type] = weakref.WeakValueDictionary()


class _Mark:
    """The options of a class, stored in its own namespace."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def __set_name__(self, owner: type, name: str) -> None:
        """Register the class that `@dataclass(slots=True)` or attrs makes of the decorated one.

        Such a decorator above `@snapshot` copies the namespace into a new class, whereupon Python
        calls this method.  Only the new class will ever have instances.
        """
        _register(owner)


def snapshot(
    *,
    key: str | Sequence[str] = (),
    per_spider: bool = False,
    table: str | None = None,
    untracked: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    label: str | None = None,
) -> Callable[[ItemClass], ItemClass]:
    """Declare a class of items whose history is stored; returns the same class.

    `key` names the fields that identify an entity, or a row within its list.  A class that is only
    nested in lists needs no key: its rows are then identified by position.  With `per_spider` the
    spider's name is part of the key too, as column `snapshot_spider`.  `table` defaults to the
    class's name in snake case.  `untracked` names fields that are stored but whose change alone
    makes no new version, and `exclude` fields that are not stored at all; a dotted name leads into
    a JSON field or a list, as `files.status`.  `label` names the field, such as a title, that the
    report shows in place of the key.  A subclass inherits nothing, so declare it too.

    Raises `DeclarationError` when an option is not a name.  Everything else is checked when the
    class is first needed, which is usually at the start of the crawl.
    """

    def mark(item_class: ItemClass) -> ItemClass:
        given = {
            "key": key,
            "per_spider": per_spider,
            "table": table,
            "untracked": untracked,
            "exclude": exclude,
            "label": label,
        }
        options = _read_options(item_class.__qualname__, given)
        setattr(item_class, _MARK, _Mark(options))
        _register(item_class)
        return item_class

    return mark


class Declarations:
    """All declared classes, from decorators and from `SNAPSHOT_ITEMS`.

    A class in `SNAPSHOT_ITEMS`, given as class or import path, is declared by the settings alone,
    whatever its decorator says.  Only the fields that a class declares are stored, and not those
    that pydantic's `extra="allow"` lets in.
    """

    def __init__(self, items: Mapping[type | str, Mapping[str, object]] = {}) -> None:
        """Import the classes named in the settings.  Raises `DeclarationError`."""
        self._options = {
            _find_class(item): _read_options(_label(item), given) for item, given in items.items()
        }
        self._resolved: dict[type, Declaration] = {}
        self._owners: dict[str, type] = {}

    def roots(self) -> tuple[Declaration, ...]:
        """The declarations of all classes declared so far that are not merely nested in others.

        Raises `DeclarationError` for the first one that is wrong.
        """
        declared = list(dict.fromkeys([*self._options, *_registry.values()]))
        below = {each: child_classes(each, self._options_of) - {each} for each in declared}
        nested = set[type]().union(*below.values())
        roots = [each for each in declared if each not in nested]
        for item_class in nested - _reachable(roots, below):
            self._resolve(item_class)  # nested only in one another, which is refused as recursive
        return tuple(map(self._resolve, roots))

    def of(self, item_class: type) -> Declaration | None:
        """The declaration of exactly this class, even one declared just now; None if undeclared.

        Raises `DeclarationError` when the class is declared wrongly.
        """
        known = self._resolved.get(item_class)
        if known is not None or self._options_of(item_class) is None:
            return known
        return self._resolve(item_class)

    def table(self, name: str) -> Declaration | None:
        """The declaration whose own table, not a child's, has this name; None if there is none.

        Raises `DeclarationError` as `roots` does.
        """
        if name not in self._owners:
            self.roots()
        declaration = self._resolved.get(self._owners.get(name, type(None)))
        return declaration if declaration is not None and declaration.table == name else None

    def _options_of(self, item_class: type) -> Options | None:
        if item_class in self._options:
            return self._options[item_class]
        mark = vars(item_class).get(_MARK)
        return mark.options if isinstance(mark, _Mark) else None

    def _resolve(self, item_class: type) -> Declaration:
        if item_class in self._resolved:
            return self._resolved[item_class]
        declaration = resolve(item_class, self._options_of)
        self._claim_tables(declaration)
        self._resolved[item_class] = declaration
        return declaration

    def _claim_tables(self, declaration: Declaration) -> None:
        tables = [declaration.table, *(child.name for child in declaration.children)]
        for table in tables:
            owner = self._owners.get(table)
            if owner is not None or tables.count(table) > 1:
                raise DeclarationError(_clash(table, declaration.item_class, owner))
        self._owners.update(dict.fromkeys(tables, declaration.item_class))


def _reachable(roots: Sequence[type], below: Mapping[type, set[type]]) -> set[type]:
    """The roots and all classes that are nested in them, at any depth."""
    found: set[type] = set()
    rest = list(roots)
    while rest:
        item_class = rest.pop()
        if item_class not in found:
            found.add(item_class)
            rest.extend(below.get(item_class, ()))
    return found


def _register(item_class: type) -> None:
    _registry[item_class.__module__, item_class.__qualname__] = item_class


def _clash(table: str, item_class: type, owner: type | None) -> str:
    other = "another of its lists" if owner is None else _full_name(owner)
    cure = 'give one of them another name with table="...", or rename the field of the list'
    return f"{_full_name(item_class)} and {other} both have the table {table!r}; {cure}"


def _full_name(item_class: type) -> str:
    return f"{item_class.__module__}.{item_class.__qualname__}"


def _read_options(where: str, given: Mapping[str, object]) -> Options:
    unknown = sorted(set(given).difference(OPTIONS))
    if unknown:
        known = f"{', '.join(OPTIONS[:-1])} and {OPTIONS[-1]} are known"
        raise DeclarationError(f"{where} has the unknown option {unknown[0]!r}; {known}")
    table, label = (_read_name(where, option, given) for option in ("table", "label"))
    per_spider = given.get("per_spider", False)
    if not isinstance(per_spider, bool):
        raise DeclarationError(f"{where} has a per_spider that is not a bool; give True or False")
    key, untracked, exclude = (
        _read_names(where, option, given) for option in ("key", "untracked", "exclude")
    )
    return Options(key, table, untracked, per_spider, exclude, label)


def _read_name(where: str, option: str, given: Mapping[str, object]) -> str | None:
    name = given.get(option)
    if name is None or isinstance(name, str):
        return name
    raise DeclarationError(f"{where} has a {option} that is not a string; give its name")


def _read_names(where: str, option: str, given: Mapping[str, object]) -> tuple[str, ...]:
    names = given.get(option, ())
    if isinstance(names, str):
        names = (names,)
    if isinstance(names, Sequence) and all(isinstance(n, str) and n for n in names):
        return tuple(dict.fromkeys(names))
    cure = "give a field's name or a sequence of names"
    raise DeclarationError(f"{where} has an invalid {option}; {cure}")


def _find_class(item: type | str) -> type:
    if isinstance(item, type):
        return item
    try:
        found = pkgutil.resolve_name(item) if "." in item else getattr(builtins, item)
    except (ImportError, AttributeError, ValueError) as error:
        cure = 'name the class as "package.module.Class"'
        raise DeclarationError(f"SNAPSHOT_ITEMS: {item!r} cannot be imported; {cure}") from error
    if not isinstance(found, type):
        raise DeclarationError(f"SNAPSHOT_ITEMS: {item!r} is not a class; name an item class")
    return found


def _label(item: type | str) -> str:
    return f"SNAPSHOT_ITEMS[{item if isinstance(item, str) else item.__qualname__}]"
