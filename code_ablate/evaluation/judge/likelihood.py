"""A judge that needs no network: how likely is each answer to a reference model of our own?

    judgements = judge_by_likelihood(pairs, scorer, vocabulary)

The answer whose mean log-likelihood per byte, given the prompt, is higher wins. That is not
quality: fluent and repetitive answers are likely, right or wrong. WHAT_IT_IS says so, and belongs
beside every figure that comes of it.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

from code_ablate.data.vocabulary import Vocabulary
from code_ablate.evaluation.judge.pairs import Pair
from code_ablate.evaluation.judge.pairwise import (
    BASELINE,
    CANDIDATE,
    JUDGED,
    UNPARSEABLE,
    description,
)
from code_ablate.evaluation.packing import Request
from code_ablate.evaluation.scoring import Scorer

WHAT_IT_IS = (
    "mean log-likelihood per byte under a reference model: how expected an answer is, not how good"
)

EQUAL = "equal"


def judge_by_likelihood(
    pairs: Sequence[Pair],
    scorer: Scorer,
    vocabulary: Vocabulary,
    advance: Callable[[int], object] = lambda done: None,
) -> pd.DataFrame:
    """One row per pair: there is no order in which the answers are seen.

    Columns as `judgements_of` has them, with order "none", verdict "equal" where both are exactly
    as likely, status "unparseable" where an answer is empty, and candidate_nats_per_byte and
    baseline_nats_per_byte (log p; NaN of an empty answer) in place of what an endpoint says.
    """
    candidate_I = _nats_per_byte(pairs, CANDIDATE, scorer, vocabulary, advance)
    baseline_I = _nats_per_byte(pairs, BASELINE, scorer, vocabulary, advance)
    rows = []
    for pair, candidate, baseline in zip(pairs, candidate_I, baseline_I, strict=True):
        verdict = _verdict(pair, candidate, baseline)
        rows.append(
            {
                "item": pair.item,
                "order": "none",
                "verdict": verdict,
                "status": JUDGED if verdict else UNPARSEABLE,
                "candidate_nats_per_byte": candidate,
                "baseline_nats_per_byte": baseline,
                **description(pair),
            }
        )
    return pd.DataFrame(rows)


def _verdict(pair: Pair, candidate: float, baseline: float) -> str | None:
    if np.isnan(candidate) or np.isnan(baseline):
        return None
    # Equal answers in batches of different lengths may differ by a rounding error.
    if pair.identical or candidate == baseline:
        return EQUAL
    return CANDIDATE if candidate > baseline else BASELINE


def _nats_per_byte(
    pairs: Sequence[Pair], who: str, scorer: Scorer, vocabulary: Vocabulary, advance
) -> Float[np.ndarray, " items"]:
    """Mean log p per byte of each answer, after EOS and its prompt; NaN where it is empty."""
    answers = [getattr(pair, who) for pair in pairs]
    prompts_I = vocabulary.encode([pair.input for pair in pairs])
    answers_I = vocabulary.encode(answers)
    asked = [i for i, answer in enumerate(answers) if answer.strip()]
    requests = [
        Request(
            np.concatenate([[vocabulary.eos_id], prompts_I[i], answers_I[i]]).astype(np.int32),
            first=1 + len(prompts_I[i]),
        )
        for i in asked
    ]
    nats_per_byte_I = np.full(len(pairs), np.nan)
    sizes = np.array([len(answers[i].encode()) for i in asked], float)
    nats_per_byte_I[asked] = scorer.score(requests, advance) / sizes
    return nats_per_byte_I
