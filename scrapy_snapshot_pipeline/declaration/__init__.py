"""What the class of an item declares: its table, key, columns and lists.  Pure."""
