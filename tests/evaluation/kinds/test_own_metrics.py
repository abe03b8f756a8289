"""Metrics of a task's own: names and values per item, and what is no number."""

import functools

import numpy as np
import pytest
import seqio
import t5.evaluation.metrics

from code_ablate.errors import UserError
from code_ablate.evaluation.kinds.own_metrics import apply_metrics, as_shares, title_of

TARGETS = ["a b c d", "a b", "a"]
SAID = ["a x y z", "a x", "a"]


def overlap(targets, predictions):
    shares = [
        len(set(t.split()) & set(p.split())) / len(t.split())
        for t, p in zip(targets, predictions, strict=True)
    ]
    return {"overlap": float(np.mean(shares))}


def of(value):
    def metric(targets, predictions):
        return {"mine": value}

    return metric


def test_graded_scores_keep_their_name_and_values():
    found = apply_metrics([overlap], TARGETS, SAID)
    assert found.items["overlap"].tolist() == [0.25, 0.5, 1.0]
    assert found.whole == {"overlap": pytest.approx(7 / 12)} and found.notes == ()
    assert as_shares("overlap", found.items["overlap"]).tolist() == [0.25, 0.5, 1.0]
    assert title_of("overlap") == "overlap"


def test_two_metrics_and_the_one_that_counts():
    def both(targets, predictions):
        pairs = list(zip(targets, predictions, strict=True))
        return {
            "words": float(np.mean([len(p.split()) for _, p in pairs])),
            "accuracy": float(np.mean([t == p for t, p in pairs])),
        }

    found = apply_metrics([overlap, both], TARGETS, SAID)
    assert list(found.items) == ["accuracy", "overlap", "words"]
    assert found.items["words"].tolist() == [4, 2, 1]
    assert as_shares("words", found.items["words"]) is None


def test_what_is_no_mean_of_items_is_a_figure_of_the_whole():
    def distinct(targets, predictions):
        return {"distinct": len({word for p in predictions for word in p.split()})}

    found = apply_metrics([distinct], TARGETS, SAID)
    assert found.whole == {"distinct": 4} and not found.items


@pytest.mark.parametrize("value", ["0.5", None, [0.5], {"a": 1}, 1 + 2j, np.ones(2), object()])
def test_values_that_are_no_numbers_are_refused_by_name(value):
    with pytest.raises(UserError, match=r"metric 'mine'.* it must be a (real )?number"):
        apply_metrics([of(value)], TARGETS, SAID)


@pytest.mark.parametrize("value", [0.5, 1, np.float32(0.5), True, np.array(0.25)])
def test_numbers_of_any_type_are_taken(value):
    found = apply_metrics([of(value)], TARGETS, SAID)
    assert found.whole == {"mine": float(value)} and found.items["mine"].tolist() == [value] * 3


def test_seqios_own_values():
    def metric(targets, predictions):
        text = seqio.metrics.Text("shown in TensorBoard")
        return {"mine": seqio.metrics.Scalar(0.5), "samples": text}

    found = apply_metrics([metric], TARGETS, SAID)
    assert found.whole == {"mine": 0.5} and list(found.items) == ["mine"]


def test_what_is_no_mapping_is_refused():
    with pytest.raises(UserError, match="'len' returns 3; it must be a mapping"):
        apply_metrics([named_len], TARGETS, SAID)


def named_len(targets, predictions):
    return len(targets)


named_len.__name__ = "len"


def test_a_name_twice_is_refused():
    with pytest.raises(UserError, match="two metric_fns give a metric of the name 'overlap'"):
        apply_metrics([overlap, functools.partial(overlap)], TARGETS, SAID)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_said_and_are_no_scores(value):
    found = apply_metrics([of(value)], TARGETS, SAID)
    assert not found.items and f"'mine' is {value}" in found.notes[0]

    def one_item(targets, predictions):
        return {"mine": value if targets == TARGETS[:1] else 0.5}

    found = apply_metrics([one_item], TARGETS, SAID)
    assert found.whole == {"mine": 0.5} and not found.items


def test_percent_of_t5_and_of_right_and_wrong():
    lists, answers = [["red wine"], ["white wine"], ["beer"]], ["red wine", "wine", "milk"]
    found = apply_metrics([t5.evaluation.metrics.squad], lists, answers)
    assert found.whole["em"] == pytest.approx(100 / 3)
    assert found.items["em"].tolist() == [1, 0, 0]
    assert found.items["f1"].tolist() == pytest.approx([1, 2 / 3, 0])
    # A metric of the user's own stays as it is, until all arms have been seen.
    assert as_shares("accuracy", np.array([0.0, 100.0])).tolist() == [0, 1]
    assert as_shares("accuracy", np.array([0.0, 50.0, 100.0])) is None
    assert as_shares("points", np.array([0.0, 100.0])) is None
    assert as_shares("points", np.array([-0.1, 1.0])) is None


def test_an_item_of_several_examples_is_scored_with_all_of_them():
    def best(targets, scores):
        highest = {}
        for (item, right), score in zip(targets, scores, strict=True):
            if score > highest.get(item, (-np.inf, 0))[0]:
                highest[item] = score, right
        return {"best": float(np.mean([right for _, right in highest.values()]))}

    targets = [("x", 1), ("y", 0), ("x", 0), ("y", 1)]
    scores = np.array([-1.0, -1.0, -2.0, -2.0])
    found = apply_metrics([best], targets, scores, groups=[[0, 2], [1, 3]])
    assert found.items["best"].tolist() == [1, 0]
