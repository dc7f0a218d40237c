"""A class that changes while others read, write and own what is built on its tables."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Annotated

import pytest
import sqlalchemy as sa
from sqlalchemy import String

from scrapy_snapshot_pipeline.errors import RetriableWriteError, SchemaMismatchError
from tests.contract.evolving import Class, crawl, current, outcomes
from tests.contract.test_evolution import BEFORE, STOCK, VALUES, WITH_STOCK, without

pytestmark = pytest.mark.postgresql


@contextmanager
def connected(url: str) -> Iterator[sa.Connection]:
    """A connection of somebody else, without transactions."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def keep_trying(url: str, of: Class, second: float) -> list[str]:
    """A crawl, which begins once what is in its way is gone, as a real one does."""
    deadline = time.monotonic() + 40
    while True:
        try:
            return outcomes(crawl(url, of, second, VALUES))
        except RetriableWriteError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_eight_crawls_of_a_new_class_start_at_once(postgresql_url: str) -> None:
    """One column, one shape, and all of them confirm."""
    crawl(postgresql_url, BEFORE, 0, VALUES)
    with ThreadPoolExecutor(8) as threads:
        starts = [threads.submit(keep_trying, postgresql_url, STOCK, 1 + n) for n in range(8)]
        assert [start.result(60) for start in starts] == [["confirmed"]] * 8
    with connected(postgresql_url) as connection:
        shapes = connection.exec_driver_sql("SELECT shape FROM snapshot_shapes ORDER BY shape")
        assert list(shapes.scalars()) == [1, 2]


def test_two_new_classes_start_at_once(postgresql_url: str) -> None:
    """Each gets a number of its own."""
    crawl(postgresql_url, BEFORE, 0, VALUES)
    classes = [without(**{f"field_{n}": int}) for n in range(4)]
    with ThreadPoolExecutor(4) as threads:
        starts = [threads.submit(keep_trying, postgresql_url, c, 1) for c in classes]
        assert [start.result(60) for start in starts] == [["confirmed"]] * 4
    with connected(postgresql_url) as connection:
        shapes = connection.exec_driver_sql("SELECT shape FROM snapshot_shapes ORDER BY shape")
        assert list(shapes.scalars()) == [1, 2, 3, 4, 5]


def test_a_reader_is_waited_for(postgresql_url: str) -> None:
    """Whoever reads holds a lock on the table until its transaction ends."""
    crawl(postgresql_url, BEFORE, 0, VALUES)
    with connected(postgresql_url) as reader:
        reader.exec_driver_sql("BEGIN")
        reader.exec_driver_sql("SELECT count(*) FROM offer_rows")
        free = threading.Timer(7, lambda: reader.exec_driver_sql("COMMIT"))
        free.start()
        assert keep_trying(postgresql_url, without("shop", stock=int), 1) == ["confirmed"]
        free.join()


def test_grants_on_views_are_kept(postgresql_url: str) -> None:
    """A role that could read the views still can."""
    crawl(postgresql_url, BEFORE, 0, VALUES)
    with connected(postgresql_url) as owner:
        owner.exec_driver_sql('CREATE ROLE "a reader"')
        try:
            owner.exec_driver_sql('GRANT SELECT ON offer_current TO "a reader" WITH GRANT OPTION')
            owner.exec_driver_sql("GRANT SELECT ON offer_changes TO PUBLIC")
            crawl(postgresql_url, STOCK, 1, WITH_STOCK)
            owner.exec_driver_sql('SET ROLE "a reader"')
            for view in ("offer_current", "offer_changes"):
                [row] = owner.exec_driver_sql(f"SELECT * FROM {view}").mappings()  # noqa: S608
                assert row.keys() & {"stock", "new_stock"}
            owner.exec_driver_sql("GRANT SELECT ON offer_current TO PUBLIC")
        finally:
            owner.exec_driver_sql('RESET ROLE; DROP OWNED BY "a reader"; DROP ROLE "a reader"')


def test_views_of_the_users_own_survive(
    postgresql_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Ours stays as it was below them, and a warning names both."""
    crawl(postgresql_url, BEFORE, 0, VALUES)
    with connected(postgresql_url) as owner:
        owner.exec_driver_sql("CREATE VIEW shops AS SELECT shop FROM offer_current")
        assert outcomes(crawl(postgresql_url, STOCK, 1, WITH_STOCK)) == ["revised"]
        [shop] = owner.exec_driver_sql("SELECT shop FROM shops").scalars()
        [row] = owner.exec_driver_sql("SELECT * FROM offer_changes").mappings()
    assert shop == "x"
    assert "new_stock" in row
    [warning] = [r.getMessage() for r in caplog.records if "stays as it was" in r.getMessage()]
    assert "view offer_current" in warning
    assert "shops" in warning


def test_a_view_on_a_column_that_must_be_widened_is_named(postgresql_url: str) -> None:
    """PostgreSQL does not alter the type of a column that a view shows."""
    crawl(postgresql_url, without(shop=Annotated[str, String(5)]), 0, VALUES)
    with connected(postgresql_url) as owner:
        owner.exec_driver_sql("CREATE VIEW mine AS SELECT shop FROM offer")
        with pytest.raises(SchemaMismatchError, match=r"column shop of table offer .* view mine"):
            crawl(postgresql_url, BEFORE, 1, VALUES)
        owner.exec_driver_sql("DROP VIEW mine")
    assert outcomes(crawl(postgresql_url, BEFORE, 2, VALUES)) == ["confirmed"]
    assert current(postgresql_url)[0]["shop"] == "x"
