"""What a user sees of long work: bars with rate and time left, and the step line of training.

    with bar(total, "evaluation", unit="req") as progress:
        progress.update(n)

    with TrainingProgress(steps, "[3/26] pretraining 50% demo.text + ... seed 0") as progress:
        progress.step(done)       # after each step
        progress.line(line)       # when there is a new line of metrics.jsonl

On a terminal both are redrawn in place. In a log file a bar is written again every 15 seconds, and
training prints its label once and then a line for each line of metrics.
"""

import itertools
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from tqdm import tqdm

from code_ablate import distributed

BAR_COLUMNS = 12
"""Width of the bar before the step line on a terminal."""


def bar(
    total: float | None,
    label: str,
    *,
    unit: str,
    scale: bool = False,
    initial: float = 0,
    show: bool = True,
):
    """A tqdm bar on stderr, of process 0. Not on a terminal, it is redrawn every 15 seconds."""
    terminal = sys.stderr.isatty()
    return tqdm(
        disable=not show or not distributed.is_first(),
        total=total,
        desc=label,
        unit=unit,
        unit_scale=scale,
        initial=initial,
        mininterval=0.1 if terminal else 15.0,
        dynamic_ncols=terminal,
        ncols=None if terminal else 110,
        file=sys.stderr,
        leave=True,
    )


class TrainingProgress:
    """The step line of one phase on stderr: in place on a terminal, one per log line elsewhere."""

    def __init__(self, steps: int, label: str, *, first: int = 0, show: bool = True):
        """`first`: steps done before, by an earlier process; `show`: False on all processes but
        one, to write nothing."""
        self._steps, self._label, self._first, self._show = steps, label, first, show
        self._latest: Mapping[str, float] = {"step": first}
        self._bar: tqdm | None = None

    def __enter__(self) -> "TrainingProgress":
        if self._show:
            again = f", going on at step {self._first:,}" if self._first else ""
            print(f"{self._label}{again}", file=sys.stderr, flush=True)
        if self._show and sys.stderr.isatty():
            self._bar = tqdm(
                total=self._steps,
                initial=self._first,
                desc=step_line(self._latest, self._steps),
                bar_format=f"|{{bar:{BAR_COLUMNS}}}| {{desc}}",
                ncols=_columns(),
                miniters=1,
                file=sys.stderr,
            )
        return self

    def __exit__(self, *exc_info) -> None:
        if self._bar is not None:
            self._bar.refresh()  # or the last steps, too quick to be drawn, would not be seen
            self._bar.close()

    def step(self, done: int) -> None:
        """`done` steps are done. Redraws at most ten times a second."""
        self._latest = {**self._latest, "step": done}
        if self._bar is not None:
            self._describe(self._bar)
            self._bar.update(done - self._bar.n)

    def line(self, line: Mapping[str, float]) -> None:
        """Shows a new line of metrics (code_ablate.training.metrics)."""
        self._latest = line
        if self._bar is not None:
            self._describe(self._bar)
        elif self._show:
            print(step_line(line, self._steps), file=sys.stderr, flush=True)

    def _describe(self, drawn: tqdm) -> None:
        drawn.ncols = _columns()
        width = drawn.ncols - BAR_COLUMNS - len("||  ")
        drawn.set_description_str(step_line(self._latest, self._steps, width), refresh=False)


def _columns() -> int:
    """Width of the terminal, which may change at any time; 80 where it does not know its own."""
    return os.get_terminal_size(sys.stderr.fileno()).columns or 80


def step_line(line: Mapping[str, float], steps: int, width: int | None = None) -> str:
    """One line on a step of `steps`, from a line of metrics; what the metrics lack is left out.

        step 1,200/47,684  2.5 %  loss 3.214  lr 9.8e-04  grad 0.42  2.51M tok/s  MFU 55 %
        epochs text 0.02 web_code 0.05  left 18 h 20 min                   (all in one line)

    Names of corpora go without the leading dotted parts that all of them share. Parts are dropped
    whole, in the order of DROPPED_WHEN_NARROW, until the line has at most `width` characters.
    """
    values: dict[str, Any] = {**line, "percent": 100 * line["step"] / steps}
    values |= {"epochs": _epochs(line) or None, "skipped_steps": line.get("skipped_steps") or None}
    parts = {"step": f"step {line['step']:,}/{steps:,}"}
    for name, write in _PARTS.items():
        if values.get(name) is not None:
            parts[name] = write(values[name])
    for dropped in ("", *DROPPED_WHEN_NARROW):
        parts.pop(dropped, "")
        text = "  ".join(parts.values())
        if width is None or len(text) <= width:
            break
    return text


DROPPED_WHEN_NARROW = (
    "epochs", "grad_norm", "percent", "learning_rate", "mfu", "tokens_per_second", "seconds_left"
)  # fmt: skip
"""Parts of the step line, the first one to go first. With its bar, a terminal of 100 columns has
room for all but the first two or three, one of 80 for step, loss, tokens/s and time left."""

_PARTS: dict[str, Callable[[Any], str]] = {
    "percent": "{:.1f} %".format,
    "loss": "loss {:.3f}".format,
    "learning_rate": "lr {:.1e}".format,
    "grad_norm": "grad {:.2f}".format,
    "skipped_steps": "skipped {:,}".format,
    "tokens_per_second": lambda speed: f"{tqdm.format_sizeof(speed)} tok/s",
    "mfu": lambda share: f"MFU {100 * share:.0f} %",
    "epochs": "epochs {}".format,
    "seconds_left": lambda seconds: f"left {duration(seconds)}",
}
"""Parts of the step line in their order, after the step."""


def _epochs(line: Mapping[str, float]) -> str:
    """'text 0.02 web_code 0.05'; empty where the line says nothing of corpora."""
    prefix = "epochs/"
    epochs = {name.removeprefix(prefix): n for name, n in line.items() if name.startswith(prefix)}
    return " ".join(f"{short} {epochs[name]:.2f}" for name, short in _short(list(epochs)).items())


def _short(corpora: list[str]) -> dict[str, str]:
    """Corpus -> its name without the leading dotted parts that all of them share."""
    heads = [corpus.split(".")[:-1] for corpus in corpora]
    equal = itertools.takewhile(lambda parts: len(set(parts)) == 1, zip(*heads, strict=False))
    shared = len(list(equal))
    return {corpus: ".".join(corpus.split(".")[shared:]) for corpus in corpora}


def duration(seconds: float) -> str:
    """'1 h 02 min', '3 min 20 s', '45 s'."""
    if seconds >= 3600:
        return f"{int(seconds // 3600):,} h {int(seconds % 3600 // 60):02d} min"
    if seconds >= 60:
        return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
    return f"{seconds:.0f} s"
