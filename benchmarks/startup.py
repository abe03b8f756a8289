"""Seconds from the start of a process to the end of its first train step, cold and warm.

    python -m benchmarks.startup
    python -m benchmarks.startup --model 470m --batch-windows 4 --seq-len 2048      # on a GPU

Every start is a process of its own. A cold one finds an empty persistent compile cache, a warm one
what the cold one before it has left there. Both read token stores, and need no SeqIO.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks import measure, models
from benchmarks.stores import make_stores
from code_ablate.errors import Failed

PARTS = ("interpreter", "imports", "compile", "rest", "total")


def main(argv: list[str] | None = None) -> None:
    """Starts processes by turns, and reports the split of their time."""
    flags = measure.parser(__doc__, repeats=3)
    flags.add_argument("--model", default="toy")
    flags.add_argument("--seq-len", type=int, default=128)
    flags.add_argument("--batch-windows", type=int, default=8)
    options = flags.parse_args(argv)

    starts: dict[str, list[dict[str, float]]] = {"cold": [], "warm": []}
    with tempfile.TemporaryDirectory() as folder:
        vocabulary = models.find(options.model).vocabulary_size
        tokens = 2 * options.batch_windows * (options.seq_len + 1)
        make_stores(Path(folder), corpora=2, tokens=tokens, vocabulary=vocabulary)
        arguments = {
            "folder": folder,
            "model": options.model,
            "batch_windows": options.batch_windows,
            "seq_len": options.seq_len,
        }
        for repeat in range(options.repeats):
            for temperature in starts:  # the second finds what the first has left in the cache
                split = _start(arguments, cache=f"{folder}/compile-cache-{repeat}")
                starts[temperature].append(split)
                measure.say(f"{temperature}: {split}")
    measure.report(
        "startup",
        {
            "what": "seconds from the start of a process to the end of its first train step",
            "model": options.model,
            "batch_windows": options.batch_windows,
            "seq_len": options.seq_len,
            "cold_seconds": _spreads(starts["cold"]),
            "warm_seconds": _spreads(starts["warm"]),
        },
        repeats=options.repeats,
    )


def _start(arguments: dict, cache: str) -> dict[str, float]:
    """Seconds of one start, by part."""
    environment = {
        **os.environ,
        "JAX_COMPILATION_CACHE_DIR": cache,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    command = [sys.executable, "-m", "benchmarks.child", "first_step", json.dumps(arguments)]
    begin = time.time()
    child = subprocess.run(command, env=environment, capture_output=True, text=True)
    if child.returncode:
        raise Failed(f"a process that was to train one step has failed:\n{child.stderr[-2000:]}")
    moments = json.loads(child.stdout.splitlines()[-1])
    split = {
        "interpreter": moments["started"] - begin,
        "imports": moments["imported"] - moments["started"],
        "compile": moments["compiling"],
        "rest": moments["done"] - moments["imported"] - moments["compiling"],
    }
    return {name: measure.shortened(seconds) for name, seconds in split.items()} | {
        "total": measure.shortened(moments["done"] - begin)
    }


def _spreads(splits: Iterable[dict[str, float]]) -> dict[str, dict[str, float]]:
    splits = list(splits)
    return {part: measure.spread(split[part] for split in splits) for part in PARTS}


if __name__ == "__main__":
    measure.command(main)
