"""Writes down what a study says before its data: hypotheses, primary scores, design.

    path, plan = freeze_study(study, workspace.paths.study(study.folder))
    print(frozen_text(path, plan))

Reads the results of an earlier study, never those of the study itself.
"""

import datetime
from typing import Any

from etils import epath

import code_ablate
from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.estimation.estimator import Estimator
from code_ablate.analysis.estimation.primary import RULE, primary_score
from code_ablate.analysis.estimation.scores import ScoredTask
from code_ablate.analysis.estimation.task_decisions import task_decisions
from code_ablate.analysis.results.frozen import Frozen, FrozenPlan, analysis_digest
from code_ablate.analysis.results.results import Results, load_results
from code_ablate.data.registry import import_expected_tasks
from code_ablate.errors import UserError
from code_ablate.evaluation.declarations import category_of
from code_ablate.evaluation.kinds import kind_of
from code_ablate.identity import to_plain
from code_ablate.jobs.report import is_results
from code_ablate.study.graph import Study


def freeze_study(
    study: Study, directory: epath.PathLike, noise: str = ""
) -> tuple[epath.Path, FrozenPlan]:
    """Writes frozen.json into the study's folder, or adds an amendment to it.

    `noise`: folder of an earlier study, whose signal-to-noise ratios choose the primary scores.
    Loads TensorFlow, for the tasks. Raises UserError.
    """
    directory = epath.Path(directory)
    results = _earlier(noise, directory) if noise else None
    entry = Frozen(
        created=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        version=code_ablate.__version__,
        configuration=study.configuration,
        analysis=analysis_digest(),
        hypotheses=study.analysis.hypotheses,
        primary_scores=_primary_scores(study, results),
        primary_rule=RULE,
        noise_study=results.record.name if results else "",
        stopping_rule=study.analysis.stopping_rule or _default_stopping_rule(study),
        design=_design(study),
        after_results=is_results(directory),
    )
    names = [name for name in study.recipe_descriptions if name != study.baseline]
    for hypothesis in entry.parsed:
        if not any(hypothesis.covers(name, hypothesis.metric) for name in names):
            raise UserError(
                f"hypothesis '{hypothesis}': no recipe of the study is named so; it has "
                f"{', '.join(names)}."
            )
    plan = FrozenPlan.of(FrozenPlan.read(directory), entry)
    return plan.write(directory), plan


def _earlier(noise: str, directory: epath.Path) -> Results:
    """The results of the study in a folder. Raises UserError if it is the study itself."""
    if epath.Path(noise).resolve() == directory.resolve():
        raise UserError(
            f"--noise {noise} is the study itself: what its data show cannot be known before them. "
            "Name an earlier study."
        )
    if not is_results(noise):
        raise UserError(f"--noise {noise}: no results of a study there; give a study's folder.")
    return load_results(noise)


def _primary_scores(study: Study, results: Results | None) -> dict[str, str]:
    """The score that counts for every task and domain of the study's suite."""
    import seqio

    import_expected_tasks()
    named, decided, place = study.analysis.primary_scores, None, None
    if results is not None:
        decided = task_decisions(Estimator(results.scores, Settings()))
        place = results.places_of(results.sizes[-1].name)[0]
    chosen = {}
    for name in study.suite.tasks:
        kind = kind_of(seqio.TaskRegistry.get(name))
        task = ScoredTask(name, category_of(name), kind.title, kind.score, kind.columns)
        ratios = decided.ratios(name, place) if decided and place else {}
        score = primary_score(task, named, ratios)
        if score is not None:
            chosen[name] = score.score
    return chosen


def _default_stopping_rule(study: Study) -> str:
    count = len(study.seeds)
    seeds = "seed" if count == 1 else f"{count} seeds"
    return (
        f"every recipe is trained with its {seeds} to the end of its tokens; results are "
        "looked at once, after that"
    )


def _design(study: Study) -> dict[str, Any]:
    tokens = {
        f"{arm.recipe}, {arm.size}, {arm.stage}": sum(p.realised_tokens for p in phase.chain)
        for arm, phase in study.arms.items()
    }
    return {
        "recipes": dict(study.recipe_descriptions),
        "baseline": study.baseline,
        "seeds": list(study.seeds),
        "sizes": list(study.models),
        "stages": list(study.stages),
        "tokens": tokens,
        "margin": study.margin,
        "margins": to_plain(dict(study.margins)),
        "tasks": list(study.suite.tasks),
        "domains": list(study.suite.domains),
        "items": study.suite.max_items,
    }


def frozen_text(path: epath.Path, plan: FrozenPlan) -> str:
    """What was frozen, for the terminal."""
    last = plan.entries[-1]
    scores: dict[str, list[str]] = {}
    for task, score in last.primary_scores.items():
        scores.setdefault(score, []).append(task)
    lines = [
        f"{'amended' if plan.amendments else 'frozen'}: {path}",
        f"hypotheses      {'; '.join(last.hypotheses) or 'none: everything may differ'}",
        *(f"primary         {score}: {', '.join(tasks)}" for score, tasks in scores.items()),
        f"stopping rule   {last.stopping_rule}",
        f"analysis        {last.analysis}; design {last.configuration}",
    ]
    if last.after_results:
        lines.append("note: the study has results already: the report calls this exploratory.")
    return "\n".join(lines)
