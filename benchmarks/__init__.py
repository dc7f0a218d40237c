"""What the pipeline costs, beside what others cost: `python -m benchmarks --quick`."""
