"""metrics.jsonl: one JSON object a line, added to while a phase is trained.

    file = MetricsFile(run.path / "metrics.jsonl")
    file.trim(first)             # what comes after is about to be done again
    file.append({"step": 20, "loss": 4.1})
    file.save()                  # before a checkpoint: what it holds is never done again

On a disk each line is appended at once. On an object store, where nothing can be appended to, the
lines are kept in memory and the whole object is written anew, at most once in SECONDS_BETWEEN and
at each `save`. A kill loses lines since the last checkpoint only, whose steps are done again.
"""

import json
import time

from etils import epath

from code_ablate import storage

SECONDS_BETWEEN = 60
"""On an object store, lines can be read by others after this time."""


class MetricsFile:
    """The metrics of one run. One object of it writes; others may read."""

    def __init__(self, path: epath.Path):
        self._path = path
        self._kept: list[str] | None = None  # on an object store: the lines, as they should be
        self._unsaved = False
        self._saved_at = -float("inf")

    @property
    def lines(self) -> list[str]:
        """All lines. The last one may be one that a kill left half-written."""
        if self._kept is not None:
            return list(self._kept)
        return self._path.read_text().splitlines() if self._path.exists() else []

    def last(self) -> dict:
        """The last whole line; empty where there is none."""
        whole = [line for line in self.lines if _step_of(line) < float("inf")]
        return json.loads(whole[-1]) if whole else {}

    def append(self, line: dict) -> None:
        """Adds a line."""
        text = json.dumps(line)
        if not storage.is_remote(self._path):
            with self._path.open("a") as file:
                file.write(text + "\n")
            return
        if self._kept is None:
            self._kept = self.lines
        self._kept.append(text)
        self._unsaved = True
        if time.monotonic() - self._saved_at >= SECONDS_BETWEEN:
            self.save()

    def save(self) -> None:
        """Writes what is kept in memory, if anything is."""
        if self._unsaved and self._kept is not None:
            self._write(self._kept)

    def trim(self, step: int) -> None:
        """Drops the lines of steps after `step`, and one that is half-written."""
        if self._path.exists():
            kept = [line for line in self.lines if _step_of(line) <= step]
            self._write(kept)
            self._kept = kept if storage.is_remote(self._path) else None

    def _write(self, lines: list[str]) -> None:
        storage.replace(self._path, "".join(line + "\n" for line in lines))
        self._unsaved, self._saved_at = False, time.monotonic()


def _step_of(line: str) -> float:
    """Step of a line; infinite for one that a kill left half-written."""
    try:
        return json.loads(line)["step"]
    except (json.JSONDecodeError, KeyError):
        return float("inf")
