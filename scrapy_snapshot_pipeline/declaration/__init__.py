"""What a class declares: its table, key, columns and lists.  Pure."""
