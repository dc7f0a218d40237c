"""Subcommands that query the history."""
