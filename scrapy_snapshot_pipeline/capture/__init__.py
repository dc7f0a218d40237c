"""An item becomes a frozen record: read, coerced, encoded, hashed.  Pure."""
