"""metrics.jsonl: one JSON object a line, added to while a phase is trained.

    file = MetricsFile(run.path / "metrics.jsonl")
    file.trim(first, written)    # what comes after is about to be done again
    file.append({"step": 20, "loss": 4.1})
    written = file.save()        # before a checkpoint: what it holds is never done again

On a disk each line is appended at once. On an object store, where nothing can be appended to, the
lines are kept in memory and the whole object is written anew, at most once in SECONDS_BETWEEN and
at each `save`. A kill loses lines since the last checkpoint only, whose steps are done again. What
`save` returns goes into the checkpoint, and tells after a restart whether lines were lost.
"""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from etils import epath

from code_ablate import own_file, storage

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
        if not self._path.exists():
            return []
        return storage.read_file(self._path).decode(errors="replace").splitlines()

    @property
    def metrics(self) -> list[dict]:
        """What the whole lines say, in order."""
        return [json.loads(line) for line in self.lines if _step_of(line) < float("inf")]

    def last(self) -> dict:
        """What the last whole line says; empty where there is none."""
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

    def save(self) -> dict[str, Any]:
        """Writes what is kept in memory, if anything is. Returns what tells the lines so far."""
        if self._unsaved and self._kept is not None:
            self._write(self._kept)
        return _summary(self.lines)

    def trim(self, step: int, written: Mapping[str, Any] | None = None) -> None:
        """Drops the lines of steps after `step`, and what is no line of metrics.

        `written`: what `save` returned at that step. Warns if the lines up to there are others.
        """
        kept = [line for line in self.lines if _step_of(line) <= step]
        if written is not None and _summary(kept) != written:
            own_file.warn_once(
                f"{self._path} has {len(kept)} of the {written['lines']} lines that were written "
                f"up to step {step}, or has changed ones: its curves have a hole, or are not those "
                "of this run. What is trained is not touched by it."
            )
        if self._path.exists():
            self._write(kept)
            self._kept = kept if storage.is_remote(self._path) else None

    def _write(self, lines: list[str]) -> None:
        storage.replace(self._path, "".join(line + "\n" for line in lines))
        self._unsaved, self._saved_at = False, time.monotonic()


def _summary(lines: Sequence[str]) -> dict[str, Any]:
    """Number and digest of lines."""
    return {"lines": len(lines), "digest": own_file.sha256("\n".join(lines).encode())}


def _step_of(line: str) -> float:
    """Step of a line; infinite for one that a kill left half-written, or that is damaged."""
    try:
        step = json.loads(line)["step"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return float("inf")
    return step if isinstance(step, int) else float("inf")
