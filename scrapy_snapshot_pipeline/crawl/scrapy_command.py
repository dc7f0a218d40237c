"""Which command of Scrapy's runs this process: not every one of them is a crawl."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType

from scrapy.commands import ScrapyCommand

_NO_CRAWLS = frozenset({"check", "fetch", "shell", "view"})
"""They open the project's pipelines and hand them no item."""


def stores_nothing() -> str | None:
    """The name of the running command if it hands no item to a pipeline, else None.

    A script that starts crawls by itself runs no command.
    """
    name, pipelines = _running_command()
    if name in _NO_CRAWLS or (name == "parse" and not pipelines):
        return name
    return None


def is_parse() -> bool:
    """Whether `scrapy parse` hands items to the pipelines, a page at a time."""
    return _running_command() == ("parse", True)


def _running_command() -> tuple[str | None, bool]:
    """The command's name, and whether it was given `--pipelines`.

    Scrapy tells no component which command made it, and takes the name out of `sys.argv`; but
    the command waits for the crawl to end, so it is still on the stack of one of the threads.
    """
    for frame in sys._current_frames().values():  # noqa: SLF001 - documented, in spite of its name
        for caller in _callers(frame):
            command = caller.f_locals.get("cmd")
            if caller.f_code.co_name == "_run_command" and isinstance(command, ScrapyCommand):
                options = caller.f_locals.get("opts")
                name = type(command).__module__.rpartition(".")[2]
                return name, bool(getattr(options, "pipelines", False))
    return None, False


def _callers(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
