"""The names of our own columns beside those of the user's fields.  Pure.

In views and flat rows fields stand beside columns of ours, such as `changed_at`.  A field always
has its own name.  A column of ours that would have the name of one is called `snapshot_<name>`,
as in `snapshot_changed_at`; no field has a name that begins like this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

PREFIX = "snapshot_"
"""How names begin that no field may have, in any case of the letters."""


def is_ours(name: str) -> bool:
    """Whether no field may have this name."""
    return name.lower().startswith(PREFIX)


class LooseFields(dict[str, Any]):
    """The fields of one item of a class without types: the next item may have others."""


class OurNames:
    """Gives names to columns of ours beside some fields; two columns never get the same name.

    Capitals do not tell names apart, since they do not in every database.
    """

    def __init__(self, fields: Iterable[str], *, fit: Callable[[str], str] = str) -> None:
        """`fit` shortens a name that is too long."""
        self._taken = {name.lower() for name in fields}
        self._fit = fit

    def name(self, usual: str) -> str:
        """The name of the column that is usually called `usual`."""
        name = usual
        while self._fit(name).lower() in self._taken:
            name = f"{PREFIX}{name}"
        fitting = self._fit(name)
        self._taken.add(fitting.lower())
        return fitting

    def row(self, ours: Mapping[str, Any]) -> dict[str, Any]:
        """The values of columns of ours, under their names."""
        return {self.name(usual): value for usual, value in ours.items()}
