"""From the queue to the last word on each record: batches, retries, bisection."""
