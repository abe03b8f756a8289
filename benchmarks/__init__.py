"""What this project costs in time, measured: `python -m benchmarks.NAME` prints one JSON line."""
