"""metrics.jsonl as it is written: one JSON object a line, added to while a phase is trained.

    file = MetricsFile(run.path / logged_metrics.FILE)
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
from code_ablate.logged_metrics import parsed, read_lines

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
        return read_lines(self._path) if self._kept is None else list(self._kept)

    def last(self) -> dict:
        """What the last whole line says; empty where there is none."""
        return next((line for line in map(parsed, reversed(self.lines)) if line is not None), {})

    def append(self, line: dict) -> None:
        """Adds a line."""
        text = json.dumps(line)
        if not storage.is_remote(self._path):
            with self._path.open("a", encoding="utf-8") as file:
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
        whole = ((line, parsed(line)) for line in self.lines)
        kept = [line for line, metrics in whole if metrics is not None and metrics["step"] <= step]
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
