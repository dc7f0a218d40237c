"""Subcommands that prepare the database and bring dead letters back."""
