"""Turns an item into a frozen record: reads, coerces, encodes and hashes it.  Pure."""
