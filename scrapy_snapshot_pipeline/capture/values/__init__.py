"""Numbers and times as a column takes them, and what is said where one does not or has a rule."""
