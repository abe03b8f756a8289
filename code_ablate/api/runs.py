"""A run as tables: what `code_ablate.open_run` gives.

    run = open_run("runs/balanced_only-cooldown-seed0-0123456789abcdef")
    run.curves, run.scores, run.items, run.realised_tokens
    run.mixture("data").windows(4)      # what it read
    run.trained("data").params          # its newest checkpoint; loads JAX

Files of the run are read as they are at that moment, so that a run in training can be looked at.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from etils import epath

from code_ablate.analysis.report.one_checkpoint import TaskSummary, summarise_tasks
from code_ablate.analysis.results.study_record import FILE
from code_ablate.api.mixtures import OpenMixture, mixture_of_run
from code_ablate.api.plots import Plot, bars_plot, lines_plot
from code_ablate.errors import UserError
from code_ablate.evaluation.records import Key
from code_ablate.evaluation.suite import COLUMNS
from code_ablate.jobs.compare_runs import RunComparison, compare_runs
from code_ablate.jobs.scores_on_record import asked_step, evaluated_steps, recorded_tasks
from code_ablate.logged_metrics import read_metrics
from code_ablate.training.phase import Phase
from code_ablate.training.rundir import RunDirectory, phase_of_run

if TYPE_CHECKING:
    from code_ablate.training.trained import Trained

BY_CORPUS = ("loss", "validation_loss", "tokens", "share", "requested", "unique", "epochs")
"""Measures that stand in metrics.jsonl once for each corpus too, as "loss/CORPUS"."""

_SUMMARY = (
    "kind", "score_name", "score", "low", "high", "interval", "items", "available", "chance",
    "chance_p", "one_answer", "degenerate", "gold_bits_per_byte",
)  # fmt: skip
"""Fields of a task's summary that `OpenRun.scores` has as columns."""


@dataclass(frozen=True, repr=False)
class OpenRun:
    """A run: one phase that was trained, or is being trained."""

    directory: RunDirectory
    """Its folder and its identity."""

    def __repr__(self) -> str:
        status = self.status
        steps = f"step {status['step']:,} of {status['steps']:,}"
        return f"{self.directory.path}: {status['state']}, {steps}; {self.phase.mixture}"

    @property
    def identity(self) -> str:
        """Identity of the phase that it executes."""
        return self.directory.identity

    @property
    def phase(self) -> Phase:
        """What is trained: mixture, tokens, model, schedule, seed, and the phase before it."""
        return phase_of_run(str(self.directory.path))

    @property
    def status(self) -> dict[str, Any]:
        """state, step, steps, seconds, final_loss, and more: the fields of RunStatus."""
        return self.directory.status

    @property
    def metrics(self) -> pd.DataFrame:
        """metrics.jsonl: a row per line, a column per name. No row before the first line."""
        return pd.DataFrame(self._lines)

    @property
    def _lines(self) -> list[dict]:
        return read_metrics(self.directory.metrics)

    @property
    def curves(self) -> pd.DataFrame:
        """metrics.jsonl in long form: step, tokens, measure, corpus, value.

        `tokens`: trained on in this phase so far. `corpus` is empty for measures of the whole; the
        names of measures are those of `code_ablate.training.metrics`.
        """
        rows = []
        for line in self._lines:
            for name, value in line.items():
                measure, slash, corpus = name.partition("/")
                if not slash or measure not in BY_CORPUS:
                    measure, corpus = name, ""
                if name not in ("step", "tokens"):
                    rows.append((line["step"], line.get("tokens"), measure, corpus, value))
        return pd.DataFrame(rows, columns=["step", "tokens", "measure", "corpus", "value"])

    @property
    def realised_tokens(self) -> pd.DataFrame:
        """What was read of each corpus by the last line of metrics.jsonl.

        Columns: corpus, requested_share, share, tokens, unique_tokens and epochs; shares and tokens
        are of this phase, the last two of the phases before it too. No row before the first line.
        """
        last = self.directory.last_metrics()
        corpora = [name.removeprefix("tokens/") for name in last if name.startswith("tokens/")]
        columns = {
            "requested_share": "requested", "share": "share", "tokens": "tokens",
            "unique_tokens": "unique", "epochs": "epochs",
        }  # fmt: skip
        rows = [[c, *(last.get(f"{name}/{c}") for name in columns.values())] for c in corpora]
        return pd.DataFrame(rows, columns=["corpus", *columns])

    @property
    def evaluated_steps(self) -> list[int]:
        """Steps of the checkpoints with scores on record."""
        return evaluated_steps(self.directory)

    def scored_tasks(self, step: int | None = None) -> dict[Key, tuple[pd.DataFrame, dict]]:
        """(items, description) of each task that a checkpoint was evaluated on, by its key.

        None: the newest step that was evaluated. Raises UserError if none was, or not that one.
        """
        return recorded_tasks(self.directory, asked_step(self.directory, step))

    @property
    def items(self) -> pd.DataFrame:
        """A row per evaluated step, task and item: step, task, identity, kind, item, scores.

        `identity`: hash of what was asked; scores of one identity can be compared. Columns of
        scores are those of the kinds of task, empty where they do not apply. No row before the
        first evaluation.
        """
        tables = []
        for step in self.evaluated_steps:
            for key, (items, about) in recorded_tasks(self.directory, step).items():
                names = {"step": step, "task": key.name, "identity": key.identity}
                names["kind"] = about["kind"]
                tables.append(items.assign(**names)[[*names, *items.columns]])
        columns = ["step", "task", "identity", "kind", "item"]
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)

    @property
    def scores(self) -> pd.DataFrame:
        """A row per evaluated step and task, with the interval that the choice of items gives.

        Columns: step, task, identity, kind, score_name, score, low, high, interval, items,
        available, clusters, chance, chance_p, one_answer, degenerate, gold_bits_per_byte.
        `clusters`: passages or subjects that the items are of, 0 where each stands by itself; empty
        where the version that evaluated did not keep them, and items count as independent.
        """
        columns = [*_SUMMARY]
        columns.insert(columns.index("chance"), "clusters")
        rows = []
        for step in self.evaluated_steps:
            for key, (items, about) in recorded_tasks(self.directory, step).items():
                summary = dataclasses.asdict(_summary(key, items, about))
                summary["clusters"] = about.get("clusters")
                rows.append([step, key.name, key.identity, *(summary[c] for c in columns)])
        frame = pd.DataFrame(rows, columns=["step", "task", "identity", *columns])
        return frame.astype({"clusters": "Int64"})

    def compare(
        self,
        baseline: "OpenRun | epath.PathLike",
        *,
        step: int | None = None,
        baseline_step: int | None = None,
    ) -> RunComparison:
        """Its newest evaluated checkpoint, or that of `step`, against one of another run.

        `print` shows the table of `code-ablate compare`; `.table` is a frame. Raises UserError.
        """
        other = baseline.directory.path if isinstance(baseline, OpenRun) else baseline
        return compare_runs(self.directory.path, other, step=step, baseline_step=baseline_step)

    def mixture(
        self, data: epath.PathLike = "data", *, vocabulary: str = "", eos_token: str = ""
    ) -> OpenMixture:
        """What it read, window by window, from the token stores in `data`; see `open_mixture`."""
        return mixture_of_run(self.directory, data, vocabulary=vocabulary, eos_token=eos_token)

    def trained(
        self, data: epath.PathLike = "data", *, step: int | None = None, **options: Any
    ) -> "Trained":
        """The model as its newest checkpoint has it, or that of `step`. Loads JAX.

        `options`: those of `code_ablate.training.trained.open_run`.
        """
        from code_ablate.training import trained

        return trained.open_run(self.directory.path, step=step, data_dir=data, **options)

    def plot_curves(self, measure: str = "loss") -> Plot:
        """A measure along the tokens: of the whole, and of each corpus where it is logged."""
        return curves_plot(self.curves.assign(run=self.identity), measure, ["run"], "tokens")

    def plot_realised_tokens(self) -> Plot:
        """Requested and realised share of each corpus."""
        values = {"requested_share": "requested", "share": "realised"}
        return bars_plot(
            self.realised_tokens, "corpus", values, "share of the tokens, %", factor=100
        )


def open_run(path: epath.PathLike) -> OpenRun:
    """A run: the folder that `train.py` or a study made.

    Raises UserError if there is no such folder, or it is not a run's, or of another version.
    """
    folder = epath.Path(path)
    if not folder.exists():
        raise UserError(f"no run at {folder}: there is no such folder.")
    if (folder / FILE).exists():
        raise UserError(f"{folder} is a study: open it with open_study, or one of its runs.")
    run = OpenRun(RunDirectory.open(folder))
    _ = run.phase  # of another version: said here, and not at the first table
    return run


def curves_plot(curves: pd.DataFrame, measure: str, unit: Sequence[str], x: str) -> Plot:
    """A measure of `curves` along the tokens `x`, a line per corpus and value of `unit`.

    Raises UserError if it was not logged.
    """
    rows = curves[curves["measure"] == measure]
    if not len(rows):
        known = ", ".join(dict.fromkeys(curves["measure"])) or "nothing yet"
        raise UserError(f"no measure {measure!r} was logged: there is {known}.")
    named = rows.assign(corpus=rows["corpus"].replace("", "all"))
    label = "loss, nats per token" if measure == "loss" else measure
    return lines_plot(named, x, "value", "corpus", ("tokens", label), unit=unit)


def _summary(key: Key, items: pd.DataFrame, about: dict[str, Any]) -> TaskSummary:
    # The category is a matter of presentation, and not on record.
    known = {key.name: {**about, "category": ""}}
    absent = [column for column in COLUMNS if column not in items]
    rows = items.reindex(columns=[*items.columns, *absent]).assign(task=key.name)
    return summarise_tasks(rows, known)[0]
