"""What capture says of a value that it takes by a rule of its own.

The caller hands in what is done with it; the pipeline writes one warning a class.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TypeAlias


class Notice(enum.Enum):
    """The value is the text of the warning, after the class and the field."""

    TOO_FINE = "a time has more than six digits of a second; they are cut to microseconds"
    AMBIGUOUS = (
        "a time without a zone came twice in SNAPSHOT_NAIVE_TIMEZONE, as the clocks were set back; "
        "the first one is taken unless its fold is 1"
    )
    MISSING = (
        "a time without a zone does not exist in SNAPSHOT_NAIVE_TIMEZONE, as the clocks were set "
        "forward; it is taken as if they had not been"
    )


Notify: TypeAlias = Callable[[Notice, str], object]
"""Takes a notice and the path of the field, as `.kickoff`."""
Notices: TypeAlias = Callable[[Notice], object]
"""The same of one field."""


def silent(_notice: Notice, _path: str = "") -> None:
    """Say nothing."""
