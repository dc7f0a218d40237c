from __future__ import annotations

import sqlalchemy as sa

from scrapy_snapshot_pipeline.store.connection.progress import Progress


def test_a_connection_and_each_statement_is_an_answer() -> None:
    """The time since the last one is what the watchdog goes by."""
    engine = sa.create_engine("sqlite://")
    now = [0.0]
    progress = Progress(engine, lambda: now[0])
    now[0] = 10
    assert progress.idle == 10
    with engine.connect() as connection:
        assert progress.idle == 0
        now[0] = 15
        assert progress.idle == 5
        connection.exec_driver_sql("SELECT 1")
        assert progress.idle == 0
    engine.dispose()
