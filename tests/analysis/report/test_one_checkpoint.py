"""What `eval.py` says of one checkpoint, against scipy."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from code_ablate.analysis.report.one_checkpoint import as_json, summarise_tasks
from code_ablate.analysis.report.terminal import task_table

COLUMNS = ("correct", "bits", "bytes", "choices", "gold", "predicted", "prediction")


def table(task, **columns):
    rows = pd.DataFrame({"task": task, "generated_tokens": 3.0, **columns})
    missing = [column for column in COLUMNS if column not in rows]
    return rows.reindex(columns=[*rows, *missing])


def summary_of(kind, chance=None, notes=(), **columns):
    about = {"category": "c", "kind": kind, "chance": chance, "available": 99, "notes": notes}
    [found] = summarise_tasks(table("t", **columns), {"t": about})
    return found


def ranked(correct, choices, gold, predicted):
    return summary_of(
        "rank_classification",
        chance=float(np.mean(1 / np.asarray(choices, float))),
        correct=np.asarray(correct, float),
        choices=np.asarray(choices, float),
        gold=np.asarray(gold, float),
        predicted=np.asarray(predicted, float),
        bits=8.0,
        bytes=2.0,
    )


def test_accuracy_has_the_exact_interval_and_p():
    rng = np.random.default_rng(0)
    gold, predicted = rng.integers(0, 4, (2, 60))
    predicted = np.where(rng.random(60) < 0.4, gold, predicted)
    correct = (gold == predicted).astype(float)
    found = ranked(correct, [4] * 60, gold, predicted)
    test = stats.binomtest(int(correct.sum()), 60, 0.25, alternative="greater")
    interval = stats.binomtest(int(correct.sum()), 60).proportion_ci(method="exact")
    assert found.score == correct.mean() and found.interval == "exact"
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.chance_p == pytest.approx(test.pvalue) and not found.degenerate
    assert found.majority == np.bincount(gold).max() / 60
    assert found.gold_bits_per_byte == 4.0


def test_items_with_different_numbers_of_choices_are_guessed_each_by_its_own():
    # Two items of 2 choices and one of 4: all right with 1 / 16.
    found = ranked([1, 1, 1], [2, 2, 4], [0, 1, 2], [0, 1, 2])
    assert found.chance_p == pytest.approx(1 / 16)


def test_one_answer_to_everything_is_marked():
    gold = np.arange(40) % 2
    found = ranked(gold == 1, [2] * 40, gold, [1] * 40)
    assert found.degenerate and found.one_answer == 1 and found.majority == 0.5
    line = task_table((found,), {"quac": "put it there."})
    assert "one answer 100 %, at chance" in line
    assert "missing  put it there." in line
    texts = {"correct": [0.0] * 20, "prediction": [""] * 19 + ["x"]}
    assert summary_of("exact_match", **texts).degenerate
    assert not summary_of("exact_match", **{**texts, "prediction": list("ab" * 10)}).degenerate


@pytest.mark.parametrize(("facts", "marked"), [({"isolated": False}, True), ({}, False)])
def test_scores_of_programs_without_isolation_are_marked(facts, marked):
    about = {"category": "c", "kind": "pass_at_k", "chance": None, "available": 9, "notes": ()}
    rows = table("t", correct=[1.0, 0.0], prediction=["a", "b"])
    line = task_table(summarise_tasks(rows, {"t": about | facts}), {})
    assert ("without isolation" in line) == marked


def test_shares_of_samples_have_beta_intervals_and_bits_students():
    shares = summary_of("pass_at_k", correct=[0.25, 0.5, 0.0, 1.0] * 20, prediction=list("ab" * 40))
    assert shares.interval == "beta" and shares.chance_p is None
    half = stats.t.ppf(0.975, 79) * np.std([0.25, 0.5, 0.0, 1.0]) / np.sqrt(79)
    p, z = shares.score, stats.norm.ppf(0.975)
    items = p * (1 - p) * (z / half) ** 2  # as many right and wrong ones are as noisy
    beta = stats.beta(items * p + 0.5, items * (1 - p) + 0.5)
    assert (shares.low, shares.high) == pytest.approx((beta.ppf(0.025), beta.ppf(0.975)))
    assert shares.score_name == "pass@1"
    whole = summary_of("pass_at_k", correct=[0.0, 1.0] * 40, prediction=list("ab" * 40))
    assert whole.interval == "exact"
    bits = summary_of("bits_per_byte", bits=[8.0, 30.0, 9.0], bytes=[4.0, 10.0, 4.0])
    assert bits.score == pytest.approx(47 / 18) and bits.interval == "t"
    rest = np.array([8.0, 30.0, 9.0]) - 47 / 18 * np.array([4.0, 10.0, 4.0])
    half = stats.t.ppf(0.975, 2) * np.std(rest, ddof=1) * 3**0.5 / 18
    assert (bits.low, bits.high) == pytest.approx((47 / 18 - half, 47 / 18 + half))


def test_pass_at_k_has_an_interval_for_each_k():
    shares = {"correct": [0.1, 0.0] * 40, "pass@10": [0.9, 0.1] * 40, "pass@100": np.nan}
    found = summary_of("pass_at_k", **shares, prediction=list("ab" * 40))
    [(name, (score, low, high))] = found.pass_at.items()  # the other is of another task
    half = stats.t.ppf(0.975, 79) * 0.4 / 79**0.5
    assert name == "pass@10" and score == pytest.approx(0.5)
    assert (0.5 - low, high - 0.5) == pytest.approx((half, half), rel=0.02)
    assert "pass@10 50.0% [" in task_table((found,), {})
    none = summary_of("pass_at_k", **{"correct": [0.0] * 80, "pass@10": 0.0}, prediction="")
    assert none.pass_at["pass@10"] == (0, 0, pytest.approx(1 - 0.025 ** (1 / 80)))


def test_gold_answers_have_bits_and_what_greedy_decoding_gives():
    found = summary_of(
        "gold_bits_per_byte", bits=[8.0, 30.0], bytes=[4.0, 10.0], correct=[1.0, 0.0]
    )
    assert (found.score, found.greedy, found.chance_p) == (pytest.approx(38 / 14), 0.5, None)
    assert "greedy 50.0%" in task_table((found,), {})


def test_what_has_no_score_has_none():
    found = summary_of("open_ended", prediction=["a", "b"])
    assert found.score is None and found.generated_tokens == 3.0
    unscored = summary_of("exact_match", prediction=["a", "b"], notes=["no single scores"])
    assert unscored.score is None
    shown = task_table((found, unscored), {})
    assert "open-ended: no score; 3.0 tokens each" in shown and "note: t: no single scores" in shown
    said = json.loads(as_json((unscored,), {"t": {"bleu": 4.0}}, {"quac": "why"}))
    assert said["tasks"]["t"]["metrics"] == {"bleu": 4.0} and said["missing"] == {"quac": "why"}


def test_items_of_one_passage_count_together():
    correct = np.repeat([1.0, 0.0, 1.0, 0.0], 10)
    passages = np.repeat(list("abcd"), 10)
    facts = {"correct": correct, "choices": 2.0, "gold": 0.0, "predicted": 1 - correct}
    alone = summary_of("rank_classification", 0.5, **facts)
    together = summary_of("rank_classification", 0.5, **facts, cluster=passages)
    assert (alone.interval, together.interval) == ("exact", "beta")
    half = stats.t.ppf(0.975, 3) * 0.5 / 3**0.5  # four passages, all right or all wrong
    assert together.high - together.low > 2 * (alone.high - alone.low)
    assert together.low == pytest.approx(
        stats.beta.ppf(0.025, *[0.25 * (1.959964 / half) ** 2 / 2 + 0.5] * 2), rel=1e-5
    )
