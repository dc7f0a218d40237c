"""How the history connects to the database and reads from it."""
