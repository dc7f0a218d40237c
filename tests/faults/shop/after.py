"""Another pipeline of the project, after ours."""

from __future__ import annotations

from typing import NoReturn


class FailsAfter:
    """Fails for every item."""

    def process_item(self, item: object) -> NoReturn:
        """Fail."""
        raise ValueError("never pleased")
