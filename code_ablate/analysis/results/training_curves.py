"""Training losses of a study's arms, from the metrics of the runs that lie beside its folder.

    curves = read_curves("runs/study-demo", results)
    curves.arms[Arm("text_only", "1.07M", 0, "cooldown")].loss["demo.text"]    # nats a token
    curves.missing                                             # phases whose run is not there

A study's folder may be moved away from its runs: what is missing is told, and nothing fails. At
most 200 lines of a run are read, spread evenly.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from etils import epath
from jaxtyping import Float

from code_ablate.analysis.results.arm import Arm
from code_ablate.analysis.results.results import Results
from code_ablate.logged_metrics import FILE, read_metrics

_MOST_LINES = 200
_LOSS = "loss/"


@dataclass(frozen=True)
class TrainingCurve:
    """The losses of one arm, over all phases up to its last stage."""

    tokens: Float[np.ndarray, " points"]
    """Tokens trained on, those of earlier phases included."""
    loss: Mapping[str, Float[np.ndarray, " points"]]
    """Corpus -> nats per token since the point before; NaN where nothing of it was read."""
    starts: tuple[float, ...]
    """Tokens at which each phase begins."""


@dataclass(frozen=True)
class TrainingCurves:
    """The curves of a study."""

    arms: Mapping[Arm, TrainingCurve]
    """The last arm of each recipe, size and seed, if the runs of all its phases were found."""
    missing: tuple[str, ...]
    """Identities of phases whose metrics were not found."""


def read_curves(study_dir: epath.PathLike, results: Results) -> TrainingCurves:
    """The curves of the last arm of every recipe, size and seed."""
    phases = results.record.phases
    needed = {identity for arm in results.last_arms for identity in arm.phases}
    lines = {}
    for identity, path in _metrics_files(epath.Path(study_dir), needed).items():
        if rows := [row for row in read_metrics(path, _MOST_LINES) if "tokens" in row]:
            lines[identity] = rows
    arms = {}
    for arm in results.last_arms:
        if all(identity in lines for identity in arm.phases):
            lengths = [phases[identity].tokens for identity in arm.phases]
            arms[arm.arm] = _joined([lines[identity] for identity in arm.phases], lengths)
    return TrainingCurves(arms, tuple(sorted(needed - set(lines))))


def _metrics_files(study_dir: epath.Path, identities: set[str]) -> dict[str, epath.Path]:
    """By identity, which the name of a run's folder ends with."""
    beside = study_dir.resolve().parent
    files: dict[str, epath.Path] = {}
    for folder in sorted(beside.iterdir(), key=lambda path: path.name):
        identity = folder.name.rpartition("-")[2]
        if identity in identities and (folder / FILE).exists():
            files.setdefault(identity, folder / FILE)
    return files


def _joined(phases: list[list[dict]], lengths: list[int]) -> TrainingCurve:
    starts = np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    rows = [
        (start + row["tokens"], row)
        for start, lines in zip(starts, phases, strict=True)
        for row in lines
    ]
    corpora = dict.fromkeys(
        name.removeprefix(_LOSS) for _, row in rows for name in row if name.startswith(_LOSS)
    )
    loss = {
        corpus: np.array([row.get(_LOSS + corpus, np.nan) for _, row in rows], np.float64)
        for corpus in corpora
    }
    return TrainingCurve(np.array([x for x, _ in rows]), loss, tuple(starts))
