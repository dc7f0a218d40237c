"""Records that were not stored, and their way back."""
