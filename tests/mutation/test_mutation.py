"""What the mutation tests make of mutmut's words, and when they fail."""

from __future__ import annotations

import pytest

from tests.mutation.__main__ import TESTS
from tests.mutation.mutants import PACKAGE, ROOT, Mutant, is_below, mutant, without_properties
from tests.mutation.survivors import EXPLAINED, complaints

SHOWN = """\
# scrapy_snapshot_pipeline.scd2.timeline.x_plan__mutmut_1: survived
--- scrapy_snapshot_pipeline/scd2/timeline.py
+++ scrapy_snapshot_pipeline/scd2/timeline.py
@@ -4,7 +4,6 @@
     children: Iterable[StoredChild],
-    retried: bool = False,
-    other: int,
+    retried: bool = True,
 ) -> list[Outcome]:
"""
ONE = Mutant("a.b", "x = 1", "x = 2")
OTHER = Mutant("a.c", "x = 1", "x = 2")


def test_a_mutant_is_named_by_what_was_changed() -> None:
    """Not by a number or a line, which any other change would move."""
    function = mutant(f"{PACKAGE}.scd2.timeline.x_plan__mutmut_12", SHOWN)
    method = mutant(f"{PACKAGE}.scd2.timeline.xǁ_Versionǁsplit__mutmut_1", "-  a\n")
    was = "retried: bool = False, other: int,"
    assert function == Mutant("scd2.timeline.plan", was, "retried: bool = True,")
    assert method == Mutant("scd2.timeline._Version.split", "a", "")


def test_a_property_is_mutated_like_any_method() -> None:
    """The tool leaves out what has a decorator; other decorators stay as they are."""
    source = """\
class Square:
    @property
    def area(self):
        return 4

    @classmethod
    def none(cls):
        return None
"""
    plain = without_properties(source)
    assert plain.count("@") == 1
    names: dict[str, type] = {}
    exec(plain, names)  # noqa: S102 - it is ours
    assert names["Square"]().area == 4


def test_a_mutant_must_be_dead_or_explained() -> None:
    """As often as it is there."""
    assert complaints([], []) == []
    assert complaints([ONE, ONE], [ONE, ONE]) == []
    [unexplained] = complaints([ONE, ONE], [ONE])
    assert unexplained == "\na.b: no test notices\n  - x = 1\n  + x = 2"


def test_an_explained_mutant_must_live() -> None:
    """Or the explanation is wrong, and hides the next of its kind."""
    [unexplained, dead] = complaints([ONE], [OTHER, OTHER])
    assert unexplained.startswith("\na.b: no test notices\n")
    assert dead == "\na.c: explained, but does not live, 2 times\n  - x = 1\n  + x = 2"


@pytest.mark.parametrize(
    ("name", "found"),
    [("scd2", True), ("scd2.plan.reading", True), ("scd2x.plan", False), ("capture", False)],
)
def test_a_module_holds_what_is_below_it(name: str, found: bool) -> None:
    """Whole names count."""
    assert is_below(name, ["scd2", "delivery.retry"]) is found


@pytest.mark.parametrize("module", TESTS)
def test_what_is_mutated_is_there_and_has_tests(module: str) -> None:
    """A module that was renamed is not left out in silence."""
    path = ROOT / PACKAGE / module.replace(".", "/")
    assert path.is_dir() or path.with_suffix(".py").is_file()
    assert (ROOT / TESTS[module]).is_dir()


def test_explained_lines_are_in_their_modules() -> None:
    """Where one was changed, its mutants need another look, or another test."""
    gone = [one for each in EXPLAINED.values() for one in each if one.was not in text_of(one)]
    assert gone == []


def text_of(mutant: Mutant) -> str:
    """The text of the mutant's module, with single spaces."""
    parts = mutant.function.split(".")
    modules = [ROOT / PACKAGE / f"{'/'.join(parts[:end])}.py" for end in range(1, len(parts))]
    [text] = [path.read_text(encoding="utf-8") for path in modules if path.exists()]
    return " ".join(text.split())
