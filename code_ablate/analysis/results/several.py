"""Several studies whose scores may stand in one table; refused where they may not.

    studies = load_several(["runs/study-a", "runs/study-b"])
    studies.scores["a"]          # the scores of the tasks that all of them have

Scores can be compared where the same was asked: the same items with the same prompts, tokens and
context. The record of a study keeps a hash of that for each task.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from etils import epath

from code_ablate.analysis.estimation.categories import main_metrics
from code_ablate.analysis.estimation.estimates import Metric
from code_ablate.analysis.estimation.scores import Scores
from code_ablate.analysis.results.results import Results, load_results
from code_ablate.errors import UserError


@dataclass(frozen=True)
class SeveralStudies:
    """Studies that were asked the same in the tasks that all of them have."""

    results: Mapping[str, Results]
    """What they found, by the name of the study."""
    tasks: tuple[str, ...]
    """Tasks and domains that all have, in the order of the first."""
    left_out: Mapping[str, tuple[str, ...]]
    """Tasks that not all have, each with the studies that do."""

    @cached_property
    def scores(self) -> dict[str, Scores]:
        """The scores of each study on the common tasks."""
        return {name: _restricted(r.scores, self.tasks) for name, r in self.results.items()}

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:
        """What stands in one table: means over the common tasks, by the scores that count."""
        name, scores = next(iter(self.scores.items()))
        return main_metrics(scores, self.results[name].record.primary_scores)

    def score_that_counts(self, task: str) -> dict[str, str | None]:
        """Column of the score of a common task that each study compares by."""
        return {
            name: self.results[name].record.primary_scores.get(task, scores.tasks[task].score)
            for name, scores in self.scores.items()
        }


def _restricted(scores: Scores, tasks: Sequence[str]) -> Scores:
    return dataclasses.replace(
        scores,
        tasks={task: scores.tasks[task] for task in tasks},
        tables={at: table for at, table in scores.tables.items() if at[0] in tasks},
    )


def load_several(folders: Sequence[epath.PathLike]) -> SeveralStudies:
    """Reads studies and checks that their common tasks were asked and scored in the same way.

    Raises UserError if one is named twice, as `load_results` does, and, with all reasons in one
    message, if they cannot be compared.
    """
    paths = list(dict.fromkeys(epath.Path(folder) for folder in folders))
    if len(paths) < len(folders):
        raise UserError("a study is named twice: name each one once.")
    loaded = [load_results(path) for path in paths]
    results = dict(zip(_names(paths, loaded), loaded, strict=True))
    having: dict[str, list[str]] = {}
    for name, of_study in results.items():
        for task in of_study.record.tasks:
            having.setdefault(task, []).append(name)
    common = tuple(task for task, names in having.items() if len(names) == len(results))
    left_out = {task: tuple(names) for task, names in having.items() if task not in common}
    if not common:
        raise UserError(f"{', '.join(results)} have no task in common: report them one by one.")
    studies = SeveralStudies(results, common, left_out)
    reasons = [*_asked_otherwise(results, common), *_counted_otherwise(studies)]
    if reasons:
        raise UserError(
            f"{', '.join(results)} cannot stand in one table: {'; '.join(reasons)}. Report them "
            "one by one."
        )
    return studies


def _names(paths: Sequence[epath.Path], loaded: Sequence[Results]) -> list[str]:
    """The studies' own names; where two have one name, those of their folders, or the paths."""
    for names in (
        [results.record.name for results in loaded],
        [path.name for path in paths],
    ):
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in paths]


def _asked_otherwise(results: Mapping[str, Results], tasks: Sequence[str]) -> list[str]:
    """Why common tasks may not have been asked in the same way."""
    records = [of_study.record for of_study in results.values()]
    if len({record.suite for record in records}) == 1:
        return []  # the hash of all that was asked
    other = [t for t in tasks if len({record.tasks[t].identities for record in records}) > 1]
    if not other:
        return []
    return [
        f"{len(other)} of {len(tasks)} common tasks were asked in different ways (other items, "
        f"prompts, vocabulary or context), and have to be evaluated with the same suite and "
        f"vocabulary: {', '.join(other)}"
    ]


def _counted_otherwise(studies: SeveralStudies) -> list[str]:
    """Common tasks that studies compare by other scores."""
    reasons = []
    for task in studies.tasks:
        counts = studies.score_that_counts(task)
        if len(set(counts.values())) > 1:
            said = ", ".join(f"{score or 'no score'} in {name}" for name, score in counts.items())
            reasons.append(f"{task!r} counts by {said}")
    return reasons
