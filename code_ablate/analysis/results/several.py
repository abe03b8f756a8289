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
        """The scores of each study on the common tasks.

        Raises UserError if a task counts by another score in another study.
        """
        found = {name: _restricted(r.scores, self.tasks) for name, r in self.results.items()}
        first = next(iter(found.values()))
        for name, scores in found.items():
            for task in self.tasks:
                ours, theirs = first.tasks[task].score, scores.tasks[task].score
                if ours != theirs:
                    raise UserError(
                        f"{task!r} counts by {theirs or 'no score'} in study {name}, and by "
                        f"{ours or 'no score'} in {next(iter(found))}: report them one by one."
                    )
        return found


def _restricted(scores: Scores, tasks: Sequence[str]) -> Scores:
    return dataclasses.replace(
        scores,
        tasks={task: scores.tasks[task] for task in tasks},
        tables={at: table for at, table in scores.tables.items() if at[0] in tasks},
    )


def load_several(folders: Sequence[epath.PathLike]) -> SeveralStudies:
    """Reads studies and checks that their common tasks were asked in the same way.

    Raises UserError, with all tasks in one message, if they were not; if they have no task in
    common; and as `load_results` does.
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
    _require_asked_alike(results, common)
    return SeveralStudies(results, common, left_out)


def _names(paths: Sequence[epath.Path], loaded: Sequence[Results]) -> list[str]:
    """The studies' own names; where two have one name, those of their folders, or the paths."""
    for names in (
        [results.record.name for results in loaded],
        [path.name for path in paths],
    ):
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in paths]


def _require_asked_alike(results: Mapping[str, Results], tasks: Sequence[str]) -> None:
    records = [of_study.record for of_study in results.values()]
    if len({record.suite for record in records}) == 1:
        return  # the hash of all that was asked
    unknown = [
        name for name, r in results.items() if not all(r.record.tasks[t].identities for t in tasks)
    ]
    if unknown:
        raise UserError(
            f"the studies have different suites, and the records of {', '.join(unknown)} do not "
            "say what was asked in each task: run these studies again with this version; what is "
            "trained and evaluated is found, and only the record is written anew."
        )
    other = [t for t in tasks if len({record.tasks[t].identities for record in records}) > 1]
    if other:
        raise UserError(
            f"{len(other)} of {len(tasks)} common tasks were asked in different ways in "
            f"{', '.join(results)} (other items, prompts, vocabulary or context), so that their "
            f"scores cannot stand in one table: {', '.join(other)}. Report the studies one by one, "
            "or evaluate them with the same suite and vocabulary."
        )
