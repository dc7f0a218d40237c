"""Subcommands that prepare the database, and mend what is stored or what is not."""
