"""A finished study as tables: what `code_ablate.open_study` gives.

    study = open_study("runs/study-demo")
    study.scores, study.comparisons, study.task_scores, study.items
    study.curves, study.realised_tokens         # of its runs, which lie beside it
    study.run("balanced_only", seed=0).items    # one of them
    study.fit_law().shares                      # the law of its mixtures

Every number is the report's own. Columns are documented in docs/api.md.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from etils import epath

from code_ablate.analysis.estimation.estimates import Estimate
from code_ablate.analysis.estimation.summary import Summary
from code_ablate.analysis.report.change_figure import FACES
from code_ablate.analysis.report.content import Report, make_report
from code_ablate.analysis.results.results import Results, load_results
from code_ablate.analysis.results.study_record import FILE, ArmRecord, StudyRecord
from code_ablate.api.mixture_laws import MixtureLaw, fit_law
from code_ablate.api.plots import Plot, bars_plot, intervals_plot
from code_ablate.api.runs import OpenRun, curves_plot, open_run
from code_ablate.errors import UserError, unknown_name
from code_ablate.training.run_files import CONFIG

_ESTIMATE = ("value", "low", "high", "items", "seeds", "seed_sd")
_TASK_COLUMNS = (
    "recipe", "size", "stage", "task", "category", "score", "counts", *_ESTIMATE, "chance",
    "chance_p", "collapsed",
)  # fmt: skip
_COMPARISON_COLUMNS = (
    "recipe", "baseline", "size", "stage", "metric", "label", "unit", "lower_is_better", "base",
    "value", "low", "high", "items", "seeds", "change", "change_low", "change_high", "p", "p_holm",
    "exploratory", "verdict", "detectable", "seeds_needed",
)  # fmt: skip
"""Columns of the frames that may be without rows."""


@dataclass(frozen=True, repr=False)
class OpenStudy:
    """A study that has run to its end."""

    path: epath.Path
    """Folder of its results."""
    runs_dir: epath.Path
    """Folder of its runs."""
    results: Results
    """What was read, as the report has it."""

    def __repr__(self) -> str:
        record = self.record
        return (
            f"study {record.name}: {len(record.recipes)} recipes, {len(record.arms)} arms, seeds "
            f"{', '.join(map(str, record.seeds))}, {len(record.tasks)} tasks and domains, baseline "
            f"{record.baseline}"
        )

    @property
    def record(self) -> StudyRecord:
        """study.json: recipes, sizes, phases, tasks, token stores, machine."""
        return self.results.record

    @cached_property
    def report(self) -> Report:
        """What the report lays out: all estimates and comparisons."""
        return make_report(self.results)

    @property
    def summary(self) -> Summary:
        """The numbers of the report."""
        return self.report.summary

    @property
    def arms(self) -> pd.DataFrame:
        """A row per arm: recipe, size, seed, stage, tokens, seconds, flops, final_loss, phase.

        Figures are of all phases up to the stage; `phase` is the identity of the last one. For each
        group of corpora there is its share of the tokens, "share/GROUP".
        """
        rows = []
        for arm in self.record.arms:
            fields = ("tokens", "seconds", "flops", "final_loss", "phase")
            shares = {f"share/{name}": share for name, share in arm.shares.items()}
            rows.append(_arm(arm) | {name: getattr(arm, name) for name in fields} | shares)
        return pd.DataFrame(rows)

    @property
    def items(self) -> pd.DataFrame:
        """A row per arm, task and item: the scores as they were stored.

        Columns: recipe, size, seed, stage, phase, task, category, kind, item, and the scores.
        """
        frame = self.results.items
        first = ["recipe", "size", "seed", "stage", "phase", "task", "category", "kind", "item"]
        return frame[[*first, *frame.columns.drop(first)]]

    @property
    def scores(self) -> pd.DataFrame:
        """A row per recipe, size, stage and metric, with its interval.

        Columns: recipe, size, stage, metric, label, unit, lower_is_better, value, low, high, items,
        seeds, seed_sd. Shares are from 0 to 1.
        """
        rows = []
        for (place, recipe, key), level in self.summary.levels.items():
            metric = self._metrics[key]
            rows.append(
                {"recipe": recipe, "size": place.size, "stage": place.stage, "metric": key,
                 "label": metric.label, "unit": metric.name,
                 "lower_is_better": metric.lower_is_better, **_estimate(level)}
            )  # fmt: skip
        return pd.DataFrame(rows)

    @property
    def seed_scores(self) -> pd.DataFrame:
        """Scores of single seeds: recipe, size, stage, metric, seed, value."""
        rows = [
            (recipe, place.size, place.stage, key, seed, value)
            for (place, recipe, key), level in self.summary.levels.items()
            for seed, value in zip(level.seeds, level.per_seed, strict=True)
        ]
        return pd.DataFrame(rows, columns=["recipe", "size", "stage", "metric", "seed", "value"])

    @property
    def task_scores(self) -> pd.DataFrame:
        """A row per recipe, size, stage, downstream task and score of its items.

        Columns: recipe, size, stage, task, category, score, counts (whether it is the one that
        counts), value, low, high, items, seeds, seed_sd, chance, chance_p, collapsed.
        """
        rows = []
        for (place, recipe, task), result in self.summary.task_results.items():
            known = self.summary.scores.tasks[task]
            for score, level in result.scores.items():
                counts = score == known.score
                rows.append(
                    {"recipe": recipe, "size": place.size, "stage": place.stage, "task": task,
                     "category": known.category, "score": score, "counts": counts,
                     **_estimate(level), "chance": known.chance if counts else None,
                     "chance_p": result.chance_p if counts else None,
                     "collapsed": result.degenerate}
                )  # fmt: skip
        return pd.DataFrame(rows, columns=_TASK_COLUMNS)

    @property
    def comparisons(self) -> pd.DataFrame:
        """A row per recipe, size, stage and metric: the paired difference to the baseline.

        Columns: recipe, baseline, size, stage, metric, label, unit, lower_is_better, base, value,
        low, high (recipe minus baseline), change, change_low, change_high (the same over the
        baseline; empty where that may be zero), items, seeds, p, p_holm, exploratory, verdict,
        detectable, seeds_needed.
        """
        rows = []
        for one in self.summary.comparisons:
            gain = one.gain
            rows.append(
                {"recipe": one.recipe, "baseline": self.record.baseline, "size": one.place.size,
                 "stage": one.place.stage, "metric": one.metric.key, "label": one.metric.label,
                 "unit": one.metric.name, "lower_is_better": one.metric.lower_is_better,
                 "base": one.base,
                 **_estimate(one.difference),
                 "change": gain.value if gain else None, "change_low": gain.low if gain else None,
                 "change_high": gain.high if gain else None, "p": one.p, "p_holm": one.p_holm,
                 "exploratory": one.exploratory, "verdict": one.verdict(),
                 "detectable": one.detectable, "seeds_needed": one.seeds_needed}
            )  # fmt: skip
        frame = pd.DataFrame(rows, columns=_COMPARISON_COLUMNS)
        return frame.astype({"seeds_needed": "Int64"})

    @property
    def realised_tokens(self) -> pd.DataFrame:
        """A row per arm and corpus, over all phases up to the arm's stage.

        Columns: recipe, size, seed, stage, corpus, requested_share, share, tokens, unique_tokens,
        epochs.
        """
        rows = []
        for arm in self.record.arms:
            for corpus, use in arm.corpora.items():
                own = dataclasses.asdict(use)
                requested, tokens = own.pop("requested_share"), own["tokens"]
                shares = {"requested_share": requested, "share": tokens / arm.tokens}
                rows.append(_arm(arm) | {"corpus": corpus} | shares | own)
        return pd.DataFrame(rows)

    @property
    def curves(self) -> pd.DataFrame:
        """metrics.jsonl of every run, for every recipe, size and seed that it is a part of.

        Columns: recipe, size, seed, phase (its name), identity (of the phase), step, tokens (of the
        phase), total_tokens (with those of the phases before it), measure, corpus, value. Raises
        UserError if a run is not in `runs_dir`.
        """
        own, parts = self._curves_of_phases, []
        for arm in self.results.last_arms:
            before = 0
            for identity in arm.phases:
                phase, curves = self.record.phases[identity], own[identity]
                names = {key: value for key, value in _arm(arm).items() if key != "stage"}
                names |= {"phase": phase.name, "identity": identity}
                part = curves.assign(**names, total_tokens=curves["tokens"] + before)
                parts.append(part)
                before += phase.tokens
        first = ["recipe", "size", "seed", "phase", "identity", "step", "tokens", "total_tokens"]
        frame = pd.concat(parts, ignore_index=True)
        return frame[[*first, "measure", "corpus", "value"]]

    @cached_property
    def _curves_of_phases(self) -> dict[str, pd.DataFrame]:
        return {identity: self._run(identity).curves for identity in self.record.phases}

    def run(
        self,
        recipe: str,
        *,
        size: str | None = None,
        seed: int | None = None,
        stage: str | None = None,
    ) -> OpenRun:
        """The run that an arm ends with; None: the only size, the first seed, the last stage.

        Raises UserError if there is no such arm, or its run is not in `runs_dir`.
        """
        self.results.recipe(recipe)
        arms = [arm for arm in self.record.arms if arm.arm.recipe == recipe]
        if size is None and len({arm.arm.size for arm in arms}) > 1:
            sizes = ", ".join(dict.fromkeys(arm.arm.size for arm in arms))
            raise UserError(f"say which size is meant: {sizes}.")
        asked = {"size": size, "seed": seed, "stage": stage}
        for name, value in asked.items():
            known = list(dict.fromkeys(getattr(arm.arm, name) for arm in arms))
            if value is not None and value not in known:
                raise unknown_name(f"{name} of {recipe}", str(value), map(str, known))
            chosen = known[-1 if name == "stage" else 0] if value is None else value
            arms = [arm for arm in arms if getattr(arm.arm, name) == chosen]
        return self._run(arms[0].phase)

    def _run(self, identity: str) -> OpenRun:
        found = sorted(self.runs_dir.glob(f"*-{identity}")) if self.runs_dir.exists() else []
        if not found:
            raise UserError(
                f"no run of phase {identity} is in {self.runs_dir}: name the folder of the study's "
                "runs, open_study(path, runs=FOLDER)."
            )
        return open_run(found[0])

    def fit_law(self, constraints: Sequence[str] = (), **options: Any) -> MixtureLaw:
        """The law of the study's mixtures; `constraints` and options as for `code_ablate.fit_law`.

        Raises UserError if the study has fewer than eight different mixtures.
        """
        return fit_law(self.path, constraints, **options)

    def plot_scores(self, size: str | None = None) -> Plot:
        """Scores with intervals, a panel per metric, of a model size; None: the smallest."""
        frame = self.scores
        frame = frame[frame["size"] == self._size(size)]
        return intervals_plot(frame, "label", "recipe", "stage", ("value", "low", "high"), "unit")

    def plot_comparisons(self, size: str | None = None) -> Plot:
        """Changes against the baseline, a panel per metric, of a model size; None: the smallest.

        Marks are full where recipes differ, grey inside where they are equivalent, and hollow where
        that cannot be said. Metrics whose baseline may be zero
        are left out. Raises UserError if nothing is left.
        """
        frame = self.comparisons
        size = self._size(size)
        frame = frame[(frame["size"] == size) & frame["change"].notna()]
        if not len(frame):
            raise UserError(f"no recipe of size {size} has a relative change to the baseline.")
        ends = {name: 100 * frame[name] for name in ("change", "change_low", "change_high")}
        better = np.where(frame["lower_is_better"], "lower is better", "higher is better")
        faces = frame["verdict"].map(FACES)
        drawn = frame.assign(**ends, face=faces, axis="change, % (" + better.astype(object) + ")")
        places = ("change", "change_low", "change_high")
        return intervals_plot(
            drawn, "label", "recipe", "stage", places, "axis", face="face", origin=0.0
        )

    def _size(self, size: str | None) -> str:
        known = [one.name for one in self.results.sizes]
        if size is not None and size not in known:
            raise unknown_name("size", size, known)
        return size or known[0]

    def plot_curves(self, measure: str = "loss", *, recipe: str | None = None) -> Plot:
        """A measure of training along all tokens, a line per seed.

        Of one recipe: a colour per corpus. None: of the whole, and a colour per recipe.
        """
        curves = self.curves
        if recipe is not None:
            self.results.recipe(recipe)
            rows = curves[curves["recipe"] == recipe]
            return curves_plot(rows, measure, ["size", "seed"], "total_tokens")
        whole = curves[curves["corpus"] == ""]
        named = whole.assign(corpus=whole["recipe"])
        return curves_plot(named, measure, ["size", "seed"], "total_tokens")

    def plot_realised_tokens(self, recipe: str) -> Plot:
        """Requested and realised share of each corpus, of a recipe's first arm in the end."""
        self.results.recipe(recipe)
        last = next(arm.arm for arm in self.results.last_arms if arm.arm.recipe == recipe)
        frame = self.realised_tokens
        for key, value in dataclasses.asdict(last).items():
            frame = frame[frame[key] == value]
        values = {"requested_share": "requested", "share": "realised"}
        return bars_plot(
            frame, "corpus", values, "share of the tokens, %", title=recipe, factor=100
        )

    @property
    def _metrics(self) -> dict:
        return {metric.key: metric for metric in self.summary.metrics}


def open_study(path: epath.PathLike, *, runs: epath.PathLike | None = None) -> OpenStudy:
    """A study that has run to its end: the folder of its results.

    `runs`: the folder of its runs; None: the one that the study's folder lies in. Raises UserError
    if there is no such folder, the study is not finished, or its files are damaged or of another
    version.
    """
    folder = epath.Path(path)
    if not (folder / FILE).exists():
        raise UserError(_why_none(folder))
    results = load_results(folder)
    return OpenStudy(folder, epath.Path(runs) if runs else folder.parent, results)


def _why_none(folder: epath.Path) -> str:
    if (folder / CONFIG).exists():
        return f"{folder} is a run: open it with open_run."
    found = f"no study at {folder}: there is no such folder."
    if folder.exists():
        found = f"{folder} holds no finished study: it has no {FILE}."
    return (
        f"{found} `code-ablate study` writes its results at its end: give that command again to go "
        "on, or name the folder that it printed."
    )


def _arm(arm: ArmRecord) -> dict[str, Any]:
    return dataclasses.asdict(arm.arm)


def _estimate(estimate: Estimate) -> dict[str, Any]:
    """Columns of an estimate, those of `_ESTIMATE`."""
    values = (estimate.value, estimate.low, estimate.high, estimate.items, len(estimate.seeds))
    return dict(zip(_ESTIMATE, (*values, estimate.seed_sd), strict=True))
