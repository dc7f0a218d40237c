"""The hop from the reactor into the writer thread."""
