"""JSON lines, exact and harmless."""

from __future__ import annotations

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
