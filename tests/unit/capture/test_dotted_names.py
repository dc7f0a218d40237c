"""Dotted names lead into nested values, and what they lead to is untracked or left out."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from dataclasses import dataclass, field, make_dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pydantic
import pytest
import scrapy

from scrapy_snapshot_pipeline.capture.compile import compile_capture
from scrapy_snapshot_pipeline.capture.dotted_names import parted, without
from scrapy_snapshot_pipeline.declaration.options import Options
from scrapy_snapshot_pipeline.declaration.registry import Declarations, snapshot
from scrapy_snapshot_pipeline.declaration.resolve import resolve
from scrapy_snapshot_pipeline.declaration.tables import Role
from scrapy_snapshot_pipeline.errors import CaptureError, DeclarationError
from scrapy_snapshot_pipeline.records import SnapshotRecord

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
RUN = uuid.UUID(int=1)


def capture(item: Any, **options: Any) -> SnapshotRecord:
    """The record of an item of a class that is declared in the settings."""
    declared = {"key": "url", "table": "page", **options}
    declaration = Declarations({type(item): declared}).of(type(item))
    assert declaration is not None
    return compile_capture(declaration)(item, NOW, RUN)


@pytest.mark.parametrize(
    ("value", "paths", "kept", "taken"),
    [
        ({"a": 1, "b": 2}, ["a"], {"b": 2}, {"a": 1}),
        ({"a": {"b": 1, "c": 2}}, ["a.b"], {"a": {"c": 2}}, {"a": {"b": 1}}),
        ([{"a": 1}, {"b": 2}], ["a"], [{}, {"b": 2}], [{"a": 1}]),
        ({"a": [[{"b": 1}]]}, ["a.b"], {"a": [[{}]]}, {"a": [[{"b": 1}]]}),
        ({"a.b": 1, "a": {"b": 2, "c": 3}}, ["a.b"], {"a": {"c": 3}}, {"a.b": 1, "a": {"b": 2}}),
        ({"a": 1}, ["a.b", "c"], {"a": 1}, {}),
        ("text", ["a"], "text", {}),
    ],
)
def test_a_name_leads_through_dicts_and_lists(
    value: Any, paths: list[str], kept: Any, taken: Any
) -> None:
    """And what it does not find is not there."""
    assert parted(value, paths) == (kept, taken)
    assert without(value, paths) == kept


def test_any_mapping_is_led_through_and_keeps_what_it_has() -> None:
    """A key that is no text too, and None; an item loses its fields that are None."""
    value = MappingProxyType({1: "one", "a": {"b": 1, "c": None}, "d": None})
    assert without(value, ["a.b"]) == {1: "one", "a": {"c": None}, "d": None}
    assert without(page([], {"x": 1}), ["meta.x", "url"]) == {"files": [], "meta": {}}


def test_a_value_that_contains_itself_is_refused_as_ever() -> None:
    """And the way through it ends."""
    loop: dict[str, Any] = {"a": 1}
    loop["loop"] = [loop]
    endless: list[Any] = []
    endless.append(endless)
    for value in (loop, {"loop": endless}):
        with pytest.raises(CaptureError, match="contains itself"):
            capture(page([], value), exclude=("meta.loop.loop.x", "meta.a"))


@pytest.mark.parametrize(
    ("value", "paths", "kept"),
    [
        (MappingProxyType({"a": 1, "b": {"a": 2}}), ["a"], {"b": {"a": 2}}),
        ({"a": None, "b": 1}, ["b"], {"a": None}),
        ({5: {"a": 1}}, ["5.a"], {5: {"a": 1}}),
    ],
    ids=["any mapping", "None stays", "a key that is no text"],
)
def test_a_scraped_value_is_led_through(value: object, paths: list[str], kept: object) -> None:
    """Before it is made plain."""
    assert without(value, paths) == kept


@pytest.mark.parametrize(
    ("dicts", "lists", "found"),
    [
        (99, 0, True),
        (0, 99, True),
        (50, 49, True),
        (100, 0, False),
        (0, 100, False),
        (50, 50, False),
    ],
)
def test_a_name_leads_as_deep_as_a_value_may_be(dicts: int, lists: int, found: bool) -> None:
    """What is deeper is refused anyway, with its own words."""

    def value(inner: object) -> object:
        for _ in range(lists):
            inner = [inner]
        for _ in range(dicts):
            inner = {"a": inner}
        return inner

    path = ".".join(["a"] * dicts + ["b"])
    assert without(value({"b": 1}), [path]) == value({} if found else {"b": 1})


FILES = [{"url": "f", "checksum": "1", "status": "downloaded"}]


def page(files: list[dict[str, str]], meta: dict[str, Any] | None = None) -> Any:
    """A page with files as FilesPipeline has them."""
    fields = [("url", str), ("files", list[dict[str, str]]), ("meta", dict[str, Any])]
    return make_dataclass("Page", fields)("u", files, meta or {})


class LooseItem(scrapy.Item):
    """The same without types."""

    url = scrapy.Field()
    files = scrapy.Field()
    meta = scrapy.Field()


@pytest.mark.parametrize("kind", ["dataclass", "scrapy.Item", "dict"])
def test_untracked_names_change_no_hash_and_are_stored(kind: str) -> None:
    """What is beside them does."""

    def item(status: str, checksum: str = "1", day: str = "1") -> Any:
        files, meta = [{**FILES[0], "status": status, "checksum": checksum}], {"a": {"day": day}}
        if kind == "dataclass":
            return page(files, meta)
        fields = {"url": "u", "files": files, "meta": meta}
        return fields if kind == "dict" else LooseItem(fields)

    untracked = ("files.status", "meta.a.day")
    first = capture(item("downloaded"), untracked=untracked)
    again = capture(item("uptodate", day="2"), untracked=untracked)
    assert (first.content_hash, first.entity_id) == (again.content_hash, again.entity_id)
    assert "uptodate" in str(again.values)
    assert first.content_hash != capture(item("x", checksum="2"), untracked=untracked).content_hash
    assert first.size > capture(page([])).size
    whole = capture(item("downloaded"))
    assert abs(first.size - whole.size) < 60


@pytest.mark.parametrize("text", ["\ud800", "\x00"])
def test_what_a_database_cannot_take_is_found_in_untracked_parts_too(text: str) -> None:
    """It is stored as everything is."""
    with pytest.raises(CaptureError):
        capture(page([], {"note": text}), untracked=("meta.note",))


class Secretive(pydantic.BaseModel):
    """Somebody else's class."""

    url: str
    link: pydantic.HttpUrl
    file: Path
    secret: pydantic.SecretStr
    inner: list[Inner] = []


class Inner(pydantic.BaseModel):
    """Nested in it."""

    name: str
    token: pydantic.SecretStr


Secretive.model_rebuild()


def secretive() -> Secretive:
    """One with all fields."""
    link: Any = "https://example.com/a"
    inner = [Inner(name="n", token=pydantic.SecretStr("hunter2"))]
    return Secretive(
        url="u", link=link, file=Path("a/b"), secret=pydantic.SecretStr("hunter2"), inner=inner
    )


def test_a_class_of_somebody_else_needs_only_settings() -> None:
    """Its secrets are left out; its URLs and paths are text."""
    exclude = ("secret", "inner.token")
    record = capture(secretive(), exclude=exclude)
    assert record.values == ("u", "https://example.com/a", "a/b", '[{"name":"n"}]')
    everything = capture(secretive(), exclude=("secret", "inner"))
    assert len(everything.values) == 3


@pytest.mark.parametrize(
    ("exclude", "path"),
    [((), "secret"), (("secret",), "inner.token"), (("inner",), "secret")],
)
def test_a_secret_is_refused_at_the_start(exclude: tuple[str, ...], path: str) -> None:
    """By its name and with the line to add."""
    with pytest.raises(DeclarationError) as caught:
        capture(secretive(), exclude=exclude)
    assert str(caught.value) == (
        f'Secretive.{path} is a secret, which is not stored; leave it out with exclude=("{path}",)'
    )


@snapshot(key="name")
@dataclass
class Shade:
    """A row in a row."""

    name: str
    seen: int = 0


@snapshot(key="name", untracked=("note",))
@dataclass
class Size:
    """A row."""

    name: str
    note: str = ""
    stock: int = 0
    meta: dict[str, int] = field(default_factory=dict)
    shades: list[Shade] = field(default_factory=list)


@dataclass
class Shirt:
    """The entity."""

    sku: str
    sizes: list[Size]


def roles(**options: Any) -> dict[str, dict[str, Role]]:
    """The roles of all columns of the lists of a shirt."""
    declared: dict[type, Options] = {
        Shirt: Options(("sku",), **options),
        Size: Options(("name",), untracked=("note",)),
        Shade: Options(("name",)),
    }
    found = resolve(Shirt, declared.get)
    return {c.name: {column.name: column.role for column in c.columns} for c in found.children}


def test_a_name_leads_into_the_rows_of_a_list() -> None:
    """At any depth, beside what the row's own class says."""
    found = roles(untracked=("sizes.stock", "sizes.shades.seen"), exclude=("sizes.meta",))
    assert found["shirt_sizes"] == {
        "name": Role.KEY,
        "note": Role.UNTRACKED,
        "stock": Role.UNTRACKED,
    }
    assert found["shirt_sizes_shades"]["seen"] is Role.UNTRACKED
    assert list(roles(exclude=("sizes.shades",))) == ["shirt_sizes"]
    assert roles(exclude=("sizes",)) == {}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"untracked": ("sizes.x",)}, "Size.x is named in untracked but is not a field"),
        ({"exclude": ("sizes.name",)}, "Size.name is both key and exclude"),
        ({"untracked": ("sku.x",)}, "Shirt.sku.x is named in untracked but sku is not nested"),
        ({"exclude": ("x.y",)}, "Shirt.x.y is named in exclude but is not a field"),
        ({"exclude": ("sku",)}, "Shirt.sku is both key and exclude"),
        (
            {"untracked": ("sizes.stock",), "exclude": ("sizes.stock",)},
            "Size.stock is both untracked and left out",
        ),
    ],
)
def test_names_that_lead_nowhere_are_refused(options: dict[str, Any], said: str) -> None:
    """With the class in which they were looked for."""
    with pytest.raises(DeclarationError) as caught:
        roles(**options)
    assert str(caught.value).startswith(said)


def test_without_these_options_nothing_is_encoded_in_another_way() -> None:
    """A class that has none of them keeps its hashes, to the byte."""
    record = capture(page(FILES, {"a": 1.0}))
    assert record.content_hash.hex() == "8b7eac3f78109f437aa5fc3014ae3e89"
    assert json.loads(str(record.values[1])) == FILES
    loose = capture({"url": "u", "files": FILES})
    assert loose.content_hash.hex() == "673dd4b7be6722bea7007bd2aed713f7"
