"""The blocking side: batches become rows, one transaction each."""
