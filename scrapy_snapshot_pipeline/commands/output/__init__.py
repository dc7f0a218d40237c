"""How results are written: terminal table, CSV, JSON, files."""
