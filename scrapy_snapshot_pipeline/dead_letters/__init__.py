"""Records that could not be stored, and their way back into the database."""
