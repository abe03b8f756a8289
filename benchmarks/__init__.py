"""What this project costs in time, measured: `python -m benchmarks.NAME` prints one JSON line."""

import sys

from code_ablate.allocator import keep_freed_memory

if sys.argv[0] == "-m":  # while Python looks for NAME; tests, which import a part, stay as they are
    keep_freed_memory()  # as the commands do, before a benchmark imports NumPy
