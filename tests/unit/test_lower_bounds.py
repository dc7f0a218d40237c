"""The lower bounds of the dependencies are the versions that are tested as the oldest."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
FOR_WORK_ON_IT = {"dev", "test"}
"""Extras whose tools need not be old in env `min`."""


def lower_bounds() -> set[str]:
    """Of what the project needs itself, and of the extras for its users, as `name==version`."""
    tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = list(project["dependencies"])
    for extra, requirements in project["optional-dependencies"].items():
        needed += [] if extra in FOR_WORK_ON_IT else requirements
    return {
        f"{requirement.name}=={bound.version}"
        for requirement in map(Requirement, needed)
        for bound in requirement.specifier
        if bound.operator == ">="
    }


def pinned() -> set[str]:
    """What env `min` installs in just one version."""
    tox = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=("#",))
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    return {line for line in tox["testenv:min"]["deps"].split() if "==" in line}


def test_env_min_has_just_the_lower_bounds() -> None:
    """A bound that is raised in one place only would be a promise that nobody tries."""
    bounds = lower_bounds()
    assert len(bounds) > 5  # it has found them
    assert pinned() == bounds
