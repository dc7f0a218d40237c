"""Prices and other numbers over time: steps, statistics, movers."""
