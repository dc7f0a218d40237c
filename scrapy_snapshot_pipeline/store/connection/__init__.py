"""One connection: how it is made, begins and ends transactions, and is cut."""
