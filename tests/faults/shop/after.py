"""Another pipeline of the project, which comes after ours."""

from __future__ import annotations

from typing import NoReturn


class FailsAfter:
    """Takes no item."""

    def process_item(self, item: object) -> NoReturn:
        """Fail."""
        raise ValueError("never pleased")
