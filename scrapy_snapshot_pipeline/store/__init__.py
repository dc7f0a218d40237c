"""The blocking side: one batch, one transaction."""
