"""JSON lines, exact and harmless."""

from __future__ import annotations

import datetime as dt
import json

from hypothesis import given
from hypothesis import strategies as st

from scrapy_snapshot_pipeline.commands.output.json_output import json_line


@given(st.text() | st.dictionaries(st.text(), st.text()))
def test_json_is_exact_and_printable(value: object) -> None:
    """Whatever the text is, the line is printable and reads back equal."""
    line = json_line({"value": value})

    assert line.isprintable()
    assert json.loads(line) == {"value": value}


def test_a_duration_is_its_seconds() -> None:
    """As it is in a SQLite table."""
    assert json_line([dt.timedelta(minutes=90), dt.timedelta(microseconds=-1)]) == (
        '["5400", "-0.000001"]'
    )
