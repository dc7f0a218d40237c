"""Whether a server counts as far, which `script` asks."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from benchmarks.proxy import running_proxy
from scrapy_snapshot_pipeline.store.connection.engine import connect_engine
from scrapy_snapshot_pipeline.store.connection.transactions import IS_REMOTE

pytestmark = pytest.mark.postgresql


def is_far(url: str | sa.URL) -> bool:
    """As it is measured at the connect."""
    text = sa.make_url(url).render_as_string(hide_password=False)
    engine = connect_engine(text, connect_timeout=10)
    with engine.connect() as connection:
        far: bool = connection.info[IS_REMOTE]
    engine.dispose()
    return far


def test_a_server_20_ms_away_is_far(postgresql_url: str) -> None:
    """The round trip through the proxy takes that long."""
    near = sa.make_url(postgresql_url)
    assert near.port is not None
    with running_proxy(near.port, milliseconds=20) as port:
        assert is_far(near.set(port=port))


def test_a_server_on_the_same_machine_is_near(postgresql_url: str) -> None:
    """Some looks may be slow on a busy machine; the shortest counts."""
    assert not is_far(postgresql_url)
