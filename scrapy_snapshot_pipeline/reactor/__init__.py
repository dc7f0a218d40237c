"""Ways to wait: timers, futures, work done once, one thread.  Knows nothing of snapshots."""
