"""Published studies that a study of ours may repeat, and their figures as plain data.

    find_published("to_code_or_not_to_code").parameters
    SWEEP.code_share, SWEEP.reasoning  # Figure 4: 470M parameters, 200B tokens
    published_arm("code_to_text", "cooldown").reasoning
    WIN_RATES["code_to_text against text_only"].sign_test_p

"To Code, or Not To Code? Exploring Impact of Code in Pre-training", Aryabumi et al.,
arXiv 2408.10914v1. Scores are percentages: reasoning is the mean accuracy of 11 tasks, knowledge
the exact match of 2, code the pass@1 of 2. The study gives no seeds and no intervals. Values read
off a raster figure are good to about 0.03 and say so.
"""

from dataclasses import dataclass

from code_ablate.errors import unknown_name

SOURCE = "Aryabumi et al. 2024, arXiv 2408.10914v1"


@dataclass(frozen=True)
class PublishedStudy:
    """A published study, as the reports of its repetitions need it."""

    name: str
    """Name, as in `Study.published`."""
    source: str
    """Authors, year and where it is to be read."""
    parameters: int
    """Parameters of its smallest model."""
    tokens: int
    """Fewest tokens that one of its models was pre-trained on."""


PUBLISHED = {
    study.name: study
    for study in (PublishedStudy("to_code_or_not_to_code", SOURCE, 470_000_000, 200_000_000_000),)
}
"""Every published study that a report can stand beside, by name."""


def find_published(name: str) -> PublishedStudy | None:
    """The published study of this name; None for "". UserError with close names if unknown."""
    if not name:
        return None
    if name not in PUBLISHED:
        raise unknown_name("published study", name, PUBLISHED)
    return PUBLISHED[name]


@dataclass(frozen=True)
class PublishedArm:
    """One row of Table 2: a 470M model at the end of one phase."""

    recipe: str
    """Our name of the recipe."""
    stage: str
    """"initial" (the model that is continued), "pretraining" or "cooldown"."""
    text_tokens_billions: float
    """Text tokens that this phase adds."""
    code_tokens_billions: float
    """Code tokens that this phase adds."""
    reasoning: float
    """Mean accuracy of the reasoning tasks, percent."""
    knowledge: float
    """Mean exact match of the knowledge tasks, percent."""
    language_average: float
    """(reasoning + knowledge) / 2, percent."""
    code: float
    """Mean pass@1 of the code tasks, percent."""
    average: float
    """Mean of the three categories, percent."""


TABLE_2 = (
    PublishedArm("text_only", "pretraining", 400, 0, 49.0, 9.5, 29.2, 0.4, 19.6),
    PublishedArm("text_only", "cooldown", 32, 8, 54.1, 11.1, 32.6, 4.4, 23.2),
    PublishedArm("balanced_only", "pretraining", 200, 200, 51.8, 8.1, 30.0, 9.0, 23.0),
    PublishedArm("balanced_only", "cooldown", 32, 8, 53.2, 11.1, 32.1, 8.4, 24.2),
    PublishedArm("balanced_to_text", "initial", 100, 100, 52.0, 7.4, 29.6, 7.8, 22.4),
    PublishedArm("balanced_to_text", "pretraining", 180, 20, 53.0, 9.9, 31.5, 4.8, 22.6),
    PublishedArm("balanced_to_text", "cooldown", 32, 8, 54.9, 10.9, 32.9, 5.8, 23.9),
    PublishedArm("code_to_text", "initial", 0, 200, 44.7, 1.5, 23.1, 15.5, 20.6),
    PublishedArm("code_to_text", "pretraining", 180, 20, 53.3, 9.5, 31.4, 4.1, 22.3),
    PublishedArm("code_to_text", "cooldown", 32, 8, 52.1, 10.3, 31.2, 7.5, 23.3),
)
"""Table 2, 470M. balanced_to_text (Figure 2) and the start of code_to_text hold synthetic code."""


def published_arm(recipe: str, stage: str) -> PublishedArm:
    """The row of Table 2 for a recipe and stage; UserError with close names if there is none."""
    for arm in TABLE_2:
        if (arm.recipe, arm.stage) == (recipe, stage):
            return arm
    known = [f"{arm.recipe} {arm.stage}" for arm in TABLE_2]
    raise unknown_name("published arm", f"{recipe} {stage}", known)


@dataclass(frozen=True)
class PublishedScores:
    """Scores of one model, percent; None where the study gives none."""

    reasoning: float
    """Mean accuracy of the reasoning tasks."""
    knowledge: float | None
    """Mean exact match of the knowledge tasks."""
    code: float
    """Mean pass@1 of the code tasks."""


@dataclass(frozen=True)
class PublishedSweep:
    """Figure 4: scores against the share of code in pre-training (80 % web code, 20 % markup)."""

    code_share: tuple[float, ...]
    """Share of code in pre-training, 0 to 1."""
    reasoning: tuple[float, ...]
    """Mean accuracy of the reasoning tasks at each share, percent."""
    knowledge: tuple[float, ...]
    """Mean exact match of the knowledge tasks at each share, percent."""
    code: tuple[float, ...]
    """Mean pass@1 of the code tasks at each share, percent."""


SWEEP = PublishedSweep(
    code_share=(0.0, 0.25, 0.5, 0.75, 0.9, 1.0),
    reasoning=(50.19, 51.93, 51.71, 50.9, 46.22, 41.01),
    knowledge=(9.13, 8.82, 7.58, 6.3, 4.65, 1.27),
    code=(0.2, 4.13, 5.85, 8.46, 9.56, 10.67),
)
"""470M parameters, 200B tokens; read off the figure."""

PRETRAINED_470M = {
    "text_only": PublishedScores(49.01, 9.47, 0.41),
    "balanced_only": PublishedScores(51.85, 8.13, 8.98),
    "balanced_to_text": PublishedScores(52.99, 9.92, 4.85),
    "code_to_text": PublishedScores(53.31, 9.5, 4.14),
}
"""Figure 2, after pre-training, 470M; read off the figure."""

PRETRAINED_2_8B = {
    "balanced_only": PublishedScores(54.5, 23.6, 21.8),
    "balanced_to_text": PublishedScores(55.8, 27.1, 12.4),
    "code_to_text": PublishedScores(57.9, 25.6, 11.7),
}
"""Figure 3, 2.8B. There is no text-only model of this size."""

CODE_QUALITY_470M = {
    "code": PublishedScores(39.9, None, 12.7),
    "code+markup": PublishedScores(41.0, None, 10.7),
    "code+adjacent": PublishedScores(42.4, None, 11.5),
    "code+synthetic": PublishedScores(44.7, None, 15.5),
}
"""Figure 5a: 200B tokens of code only, 470M. The first is web code alone."""

CODE_QUALITY_CONTINUED_470M = {
    "balanced_to_text": PublishedScores(52.0, None, 3.4),
    "balanced+synthetic_to_text": PublishedScores(53.0, None, 4.8),
}
"""Figure 5b: quality of code in continued pre-training, 470M."""

COOLDOWN_470M = {
    "none": PublishedScores(53.0, 9.9, 4.8),
    "without_code": PublishedScores(52.9, 10.2, 4.8),
    "with_code": PublishedScores(54.9, 10.9, 5.8),
}
"""Figure 6: cooldown of balanced_to_text, 470M."""


@dataclass(frozen=True)
class WinRate:
    """Pairwise judgements of the answers of two models to the same prompts."""

    wins: int
    """Prompts on which the first model's answer was preferred."""
    losses: int
    """Prompts on which the second model's answer was preferred."""
    ties: int
    """Prompts without a preference."""

    @property
    def win_rate(self) -> float:
        """(wins + ties / 2) / all, 0 to 1."""
        return (self.wins + self.ties / 2) / (self.wins + self.losses + self.ties)

    @property
    def sign_test_p(self) -> float:
        """Two-sided exact sign test of wins against losses; ties are left out.

        Computed here from the published counts: the study itself tests nothing.
        """
        # Here: studies and plans know the names of published studies, and need no statistics.
        from code_ablate.analysis.estimation.statistics import sign_test

        return sign_test(self.wins, self.losses)


WIN_RATES = {
    "code_to_text against text_only": WinRate(64, 51, 84),
    "balanced_to_text against text_only": WinRate(69, 56, 74),
    "cooldown without code against none": WinRate(96, 44, 59),
    "cooldown with code against none": WinRate(104, 37, 58),
    "balanced_only against text_only, after cooldown": WinRate(65, 71, 63),
    "balanced_to_text against text_only, after cooldown": WinRate(75, 69, 55),
    "code_to_text against text_only, after cooldown": WinRate(73, 67, 59),
}
"""Figures 7 to 9: 199 prompts each, judged by a language model."""

STUDIES = ("to_code_or_not_to_code",)
"""Published studies whose figures a report can show: names for `Study.published`."""


def require_published(name: str) -> None:
    """Raises UserError if a study names a published one that is not here; "" is none."""
    if name and name not in STUDIES:
        raise unknown_name("published study", name, STUDIES)
