"""What a study says beforehand about how it will be judged.

    AnalysisPlan.hypotheses = ('code_25 accuracy/* better', 'code_100 accuracy/* different')
    AnalysisPlan.stopping_rule = 'three seeds each; two more where nothing can be said after these'

Bound by gin, held by `Study.analysis`, written down by `code-ablate study NAME --freeze`. None of
it changes what is trained or how it scores.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from code_ablate.analysis.estimation.primary import CANDIDATES
from code_ablate.analysis.results.frozen import Hypothesis
from code_ablate.checked import NonNegativeInt, checked
from code_ablate.errors import unknown_name


@checked
@dataclass(frozen=True)
class AnalysisPlan:
    """Hypotheses, primary scores, and what is measured for the analysis alone."""

    hypotheses: tuple[str, ...] = ()
    """Each 'RECIPE METRIC CLAIM': the recipe and the metric's key (bits_per_byte/CORPUS,
    accuracy/CATEGORY, ...) may have * in them, the claim is 'better', 'worse', 'different' or
    'equivalent', against the baseline. Empty: everything may differ."""
    stopping_rule: str = ""
    """When training ends and results are looked at, in words. Empty: all seeds, once."""
    primary_scores: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Score that counts for a task, by the task's name: 'bits' (gold bits per byte),
    'gold_probability', 'correct_per_byte' or 'correct'. For the others a rule chooses it."""
    earlier_checkpoints: NonNegativeInt = 0
    """Checkpoints of the baseline before its last one that are evaluated too: two or more give the
    compute multiplier and the noise of checkpoints. They must be kept:
    LoopConfig.keep_checkpoints."""

    def __post_init__(self):
        for text in self.hypotheses:
            Hypothesis.parse(text)
        for task, score in self.primary_scores.items():
            if score not in CANDIDATES and not score.startswith("metric/"):
                raise unknown_name(
                    f"score (AnalysisPlan.primary_scores[{task!r}])", score, CANDIDATES
                )
