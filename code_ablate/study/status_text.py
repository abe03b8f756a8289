"""The status of a study as the terminal shows it: a tree of its phases.

print(status_text(status))
print(status_text(status, lines=40))       # what is complete is left out first
"""

from collections.abc import Iterator

from tqdm import tqdm

from code_ablate.progress import duration
from code_ablate.shown import one_line
from code_ablate.study.status import PhaseStatus, StudyStatus

BAR = 12
"""Width of the bar of a phase."""


def status_text(status: StudyStatus, lines: int | None = None) -> str:
    """A line on the whole, and the tree. `lines`: most lines; None: no bound."""
    tree = list(_tree(status, None, ""))
    rows = [row for row, _ in tree]
    if lines is not None and len(rows) + 2 > lines:
        unfinished = [row for row, phase in tree if phase.state != "complete"]
        room = max(1, lines - 3)
        rows = unfinished[:room]
        rows.append(f"and {len(tree) - len(rows)} more phases")
    return "\n".join([_summary(status), "", *rows])


def _summary(status: StudyStatus) -> str:
    trained = status.count("complete", "evaluating")
    parts = [f"{trained} of {len(status.phases)} phases trained"]
    arms = [phase for phase in status.phases if phase.phase.evaluated]
    scored = sum(phase.state == "complete" for phase in arms)
    parts.append(f"{scored} of {len(arms)} evaluated")
    for state in ("running", "stopped", "interrupted", "failed"):
        if count := status.count(state):
            parts.append(f"{count} {state}")
    if status.finished:
        parts.append("results are written")
    elif status.seconds_left is not None and trained < len(status.phases):
        parts.append(f"about {duration(status.seconds_left)} of training left")
    return f"Study {status.study}: {', '.join(parts)}"


def _tree(
    status: StudyStatus, parent: str | None, indent: str
) -> Iterator[tuple[str, PhaseStatus]]:
    for phase in status.children.get(parent, ()):
        yield _line(phase, indent), phase
        yield from _tree(status, phase.phase.identity, indent + "  ")


def _line(status: PhaseStatus, indent: str) -> str:
    phase = status.phase
    label = indent + phase.run.removesuffix(f"-{phase.identity}")
    filled = round(BAR * status.step / phase.steps)
    steps = f"{status.step:,}/{phase.steps:,}"
    parts = [f"{label:<44} {status.state:<12}[{'#' * filled:.<{BAR}}] {steps:>15}"]
    if status.loss is not None:
        parts.append(f"loss {status.loss:.3f}")
    if status.state == "running" and status.tokens_per_second:
        parts.append(f"{tqdm.format_sizeof(status.tokens_per_second)} tok/s")
        if status.seconds and status.step:
            left = status.seconds / status.step * (phase.steps - status.step)
            parts.append(f"left {duration(left)}")
    if status.unscored:
        parts.append(f"{status.unscored} to score")
    if status.state == "failed":
        parts.append(one_line(status.reason))
    if status.state == "stopped":
        parts.append("its process was killed; the same command goes on")
    return "  ".join(parts)
