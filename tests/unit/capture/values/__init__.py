"""Tests of numbers and times."""
