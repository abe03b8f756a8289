"""What this project costs in time, measured: `python -m benchmarks.NAME` prints one JSON line."""

from code_ablate.allocator import keep_freed_memory

keep_freed_memory()  # as the commands do, before a benchmark imports NumPy
