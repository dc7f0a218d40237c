"""`python -m tour`: two spiders, three visits, the odds that moved, and a report.

Writes to $SNAPSHOT_DATABASE_URL, or else to a new SQLite file.  Logs, report and that file go to a
new folder under `runs/`; what is there already is not changed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import sqlalchemy as sa

from tour import history, text
from tour.commands import to_paste
from tour.crawls import PROJECT, Crawl, crawl
from tour.report import write_report

SPIDERS = ("odds", "competitor_odds")
VISITS = {"opening": "opening", "closing": "closing", "again": "closing"}
"""The name of each visit here, and the argument of the spider."""

SHOWN = (
    ("odds", "1X2", 3, "Our match odds that moved furthest"),
    ("odds", "asian_handicap", 1, "Our handicap whose line moved furthest"),
    ("competitor_odds", "1X2", 2, "A competitor's match odds that moved furthest"),
)


def main() -> int:
    """Give 0 if every crawl finished and stored all of its items."""
    try:
        return _tour(_new_folder())
    except sa.exc.SQLAlchemyError as error:
        reason = getattr(error, "orig", None) or error
        print(f"\nThe database cannot be used: {reason}", file=sys.stderr)
        return 1


def _tour(folder: Path) -> int:
    url = os.environ.get("SNAPSHOT_DATABASE_URL") or f"sqlite:///{(folder / 'odds.db').as_posix()}"
    print(f"Database: {_shown(url)}\nLogs:     {folder}\n\n{text.RUN_HEADER}")
    runs: dict[tuple[str, str], history.Run] = {}
    for name, visit in VISITS.items():
        for spider in SPIDERS:
            run = _crawl(spider, name, visit, url, folder)
            if run is None:
                return 1
            runs[spider, name] = run
    _print_moves(url, {spider: runs[spider, "closing"].run_id for spider in SPIDERS})
    print(f"Ask the database yourself, for example:\n\n{text.QUESTION};")
    return _report(url, folder / "report.html")


def _report(url: str, path: Path) -> int:
    if not write_report(url, path):
        return 1
    print("\nOr ask by commands, which can be pasted here:\n")
    print("\n".join(to_paste(os.environ.get("SNAPSHOT_DATABASE_URL", ""))))
    print(f"\nAnd open in a browser:\n{path.relative_to(PROJECT.parent)}")
    return 0


def _new_folder() -> Path:
    folder = PROJECT / "runs" / f"{datetime.now(timezone.utc):%Y-%m-%d_%H-%M-%S_%f}"
    folder.mkdir(parents=True)
    return folder


def _shown(url: str) -> str:
    return sa.make_url(url).render_as_string(hide_password=True)


def _crawl(spider: str, name: str, visit: str, url: str, folder: Path) -> history.Run | None:
    """Run one crawl and print its row; None if it failed, after saying why."""
    print(text.run_label(spider, name), end="", flush=True)
    with _database(url) as connection:
        known = history.run_ids(connection)
    ended = crawl(spider, visit, url, folder / f"{spider}-{name}.log")
    with _database(url) as connection:
        run = history.new_run(connection, spider, known)
    print("" if run is None else text.run_counts(run))
    well = ended.exit_code == 0 and run is not None and run.finished and not run.rejected
    _complain(ended, well=well)
    return run if well else None


def _complain(ended: Crawl, *, well: bool) -> None:
    for line in ended.complaints():
        print(f"  {line}", file=sys.stderr)
    if not well:
        print(f"This crawl went wrong; its whole log is {ended.log}", file=sys.stderr)


def _print_moves(url: str, run_ids: dict[str, object]) -> None:
    print("\nTimes are UTC; `from` and `until` are when the crawls saw it.\n")
    with _database(url) as connection:
        for spider, market, most, title in SHOWN:
            print(f"{title}\n{'-' * len(title)}")
            for moved in history.moves(connection, spider, run_ids[spider], market, most):
                print(text.move(moved))


@contextmanager
def _database(url: str) -> Iterator[sa.Connection]:
    """A connection that is really closed, so that no crawl waits for it."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        yield connection


if __name__ == "__main__":
    sys.exit(main())
