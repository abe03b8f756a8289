"""Asks a language model which answer of each pair is better, in both orders.

    questions = questions_of(pairs, config)
    replies, usage = ask_all(questions, endpoint, cache, config)
    judgements = judgements_of(pairs, config, replies)       # a row per pair and order

A judge prefers what it sees first, or last, more often than it should. So each pair is shown in
both orders, and a preference counts if both agree.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from code_ablate.evaluation.judge import prompt
from code_ablate.evaluation.judge.config import JudgeConfig
from code_ablate.evaluation.judge.exchange import Question, Reply
from code_ablate.evaluation.judge.pairs import Pair
from code_ablate.evaluation.judge.verdict import read_verdict

CANDIDATE, BASELINE = "candidate", "baseline"

ORDERS = {"candidate_first": (CANDIDATE, BASELINE), "baseline_first": (BASELINE, CANDIDATE)}
"""Order -> who is shown as answer A, and who as answer B."""

JUDGED, UNPARSEABLE, UNANSWERED = "judged", "unparseable", "unanswered"


def questions_of(pairs: Sequence[Pair], config: JudgeConfig) -> list[Question]:
    """The questions in the order of the pairs; for each, one per order of ORDERS."""
    return [_question(pair, order, config) for pair in pairs for order in ORDERS]


def _question(pair: Pair, order: str, config: JudgeConfig) -> Question:
    first, second = (getattr(pair, who) for who in ORDERS[order])
    return Question(
        config.base_url,
        config.model,
        prompt.messages(pair.prompt, first, second),
        config.parameters,
    )


def judgements_of(
    pairs: Sequence[Pair], config: JudgeConfig, replies: Mapping[str, Reply]
) -> pd.DataFrame:
    """One row per pair and order.

    Columns: item; order; verdict ("candidate", "baseline"; None where there is none); status
    ("judged", "unparseable", "unanswered"); reply (raw text, or why there is none); model and
    finish_reason, as the endpoint says; input_tokens, output_tokens; group (sort of request);
    candidate_characters, baseline_characters; identical (answers).
    """
    rows = []
    for pair in pairs:
        for order, shown in ORDERS.items():
            reply = replies[_question(pair, order, config).key]
            letter = None if reply.error else read_verdict(reply.text, reply.finish_reason)
            rows.append(
                {
                    "item": pair.item,
                    "order": order,
                    "verdict": shown["AB".index(letter)] if letter else None,
                    "status": _status(reply, letter),
                    "reply": reply.error or reply.text,
                    "model": reply.model,
                    "finish_reason": reply.finish_reason,
                    "input_tokens": reply.input_tokens,
                    "output_tokens": reply.output_tokens,
                    **description(pair),
                }
            )
    return pd.DataFrame(rows)


def _status(reply: Reply, letter: str | None) -> str:
    if reply.error:
        return UNANSWERED
    return JUDGED if letter else UNPARSEABLE


def description(pair: Pair) -> dict[str, str | int | bool]:
    """Columns that say which sort of request it is, how long the answers are, and whether they
    differ."""
    return {
        "group": pair.group,
        "candidate_characters": len(pair.candidate.strip()),
        "baseline_characters": len(pair.baseline.strip()),
        "identical": pair.identical,
    }
