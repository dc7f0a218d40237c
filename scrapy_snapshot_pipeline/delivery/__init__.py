"""Brings each record from the queue to its last word: batches, retries, bisection."""
