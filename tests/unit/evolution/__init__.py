"""The pure rules for classes that change."""
