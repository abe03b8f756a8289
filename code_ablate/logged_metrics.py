"""metrics.jsonl as it is read: one JSON object a line, which training adds to.

    read_metrics(run.path / FILE)                 # what every whole line says
    read_metrics(run.path / FILE, most=200)       # 200 lines or fewer, spread evenly

Names of metrics are those of code_ablate.training.metrics; code_ablate.training.metrics_file
writes. A line that a kill cut short, or that is damaged, says nothing and is passed over.
"""

import json

from etils import epath

from code_ablate import storage

FILE = "metrics.jsonl"
"""Name of the file in a run's folder."""


def read_lines(path: epath.Path) -> list[str]:
    """The lines of a file, as they stand there; none if there is no file."""
    if not path.exists():
        return []
    return storage.read_file(path).decode(errors="replace").splitlines()


def parsed(line: str) -> dict | None:
    """What a line says; None if it is not whole: no JSON object with a step."""
    try:
        metrics = json.loads(line)
        return metrics if isinstance(metrics["step"], int) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def read_metrics(path: epath.Path, most: int | None = None) -> list[dict]:
    """What the whole lines of a file say, in order; nothing if there is no file.

    `most`: at most this many lines, spread evenly, the last whole one among them; None: all.
    """
    lines = read_lines(path)
    while lines and parsed(lines[-1]) is None:
        lines.pop()
    apart = 1 if most is None else max(1, -(-len(lines) // most))
    chosen = lines[::-1][::apart][::-1]
    return [metrics for metrics in map(parsed, chosen) if metrics is not None]
