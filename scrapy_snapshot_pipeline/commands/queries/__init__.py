"""Subcommands that ask the history."""
