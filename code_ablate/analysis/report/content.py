"""What a report lays out: a study's results, the numbers made of them, and how it names things.

report = read_report("runs/demo")
report.title(report.places[0])          # "after pre-training", or "after pre-training (470M)"
report.record.source, report.record.base
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

from etils import epath

from code_ablate.analysis.estimation.estimates import Settings, TaskResult
from code_ablate.analysis.estimation.estimator import Estimator
from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.estimation.summary import Summary, summarise
from code_ablate.analysis.report.evidence import Evidence, make_evidence
from code_ablate.analysis.report.published import PublishedStudy, find_published
from code_ablate.analysis.report.seed_noise import SeedNoise, make_seed_noise
from code_ablate.analysis.results.contaminated import contaminated_items, without_items
from code_ablate.analysis.results.results import Results, load_results
from code_ablate.analysis.results.study_record import StudyRecord

_STAGE_TITLES = {"pretraining": "after pre-training", "cooldown": "after cooldown"}


@dataclass(frozen=True)
class Report:
    """The content of a report."""

    results: Results
    """What was trained and how it scored, item by item."""
    summary: Summary
    """The numbers made of it."""
    published: PublishedStudy | None
    """The published study that this one repeats, whose figures stand beside these; None for
    others."""
    uncontaminated: Mapping[tuple[Place, str, str], TaskResult] = field(default_factory=dict)
    """(place, recipe, task) -> result over the items that stood in no corpus that is trained on, of
    the tasks of which a scored item did."""

    @functools.cached_property
    def evidence(self) -> Evidence:
        """What the scores can decide, and what was said beforehand."""
        return make_evidence(self.results, self.summary)

    @functools.cached_property
    def seed_noise(self) -> tuple[SeedNoise, ...]:
        """Which part of a seed makes the noise; empty where seeds are not crossed."""
        return make_seed_noise(self.results, self.summary)

    @property
    def record(self) -> StudyRecord:
        """The study's record."""
        return self.results.record

    @property
    def baseline(self) -> str:
        """The recipe that the others are compared with."""
        return self.record.baseline

    @property
    def places(self) -> tuple[Place, ...]:
        """Sizes and stages that have results, in order."""
        return self.results.places

    @property
    def several_sizes(self) -> bool:
        """Whether the model size has to be said beside the stage."""
        return len(self.results.sizes) > 1

    def title(self, place: Place) -> str:
        """ "after pre-training"; with the size behind it where the study has several."""
        return stage_title(place.stage) + (f" ({place.size})" if self.several_sizes else "")

    def first_places(self) -> tuple[Place, ...]:
        """The first stage of each model size: where the main figure is drawn."""
        return tuple(self.results.places_of(size.name)[0] for size in self.results.sizes)

    def of_size(self, size: str) -> str:
        """ " (470M)" where the study has several sizes, else nothing."""
        return f" ({size})" if self.several_sizes else ""


def fewest_seeds(report: Report) -> int:
    """Seeds of the recipe and place that have the fewest."""
    return min(map(len, report.summary.scores.seeds.values()))


def stage_title(stage: str) -> str:
    """ "after pre-training", "after cooldown", "after NAME" for other stages."""
    return _STAGE_TITLES.get(stage, f"after {stage.replace('_', ' ')}")


def make_report(results: Results, settings: Settings | None = None) -> Report:
    """Computes the numbers; with the study's own margins where no settings are given.

    Raises UserError if the record names an unknown published study.
    """
    record = results.record
    if settings is None:
        settings = Settings(margin=record.margin, margins=record.margins)
    published = find_published(record.published)
    is_planned = results.frozen.names if results.frozen else None
    summary = summarise(results.scores, settings, is_planned, record.primary_scores)
    return Report(results, summary, published, _uncontaminated(record, summary))


def _uncontaminated(
    record: StudyRecord, summary: Summary
) -> dict[tuple[Place, str, str], TaskResult]:
    scores = summary.scores
    found = {task: contaminated_items(record, task) for task in scores.downstream}
    scored = {task: set(table.items) for (task, _), table in scores.tables.items()}
    gone = {task: items for task, items in found.items() if items.keys() & scored[task]}
    others = without_items(scores, gone)
    estimator = Estimator(others, summary.settings)
    return {
        (place, recipe, task): estimator.task_result(place, recipe, task)
        for task, place in others.tables
        for recipe in others.recipes_at(place)
    }


def read_report(study_dir: epath.PathLike, settings: Settings | None = None) -> Report:
    """The report of a study's directory. Raises UserError if its files are absent or damaged."""
    return make_report(load_results(study_dir), settings)
