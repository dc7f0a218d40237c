"""How an answer is written: terminal table, CSV, JSON, files."""
