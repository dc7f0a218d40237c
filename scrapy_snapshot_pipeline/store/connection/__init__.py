"""One connection: how it is made, how its transactions begin and end, and how it is cut."""
