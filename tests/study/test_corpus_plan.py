"""What is read of each corpus, prepared or expected, and what is said where data repeat."""

import dataclasses
import functools

import pytest

from code_ablate.data.preparing.near_duplicates import Deduplication
from code_ablate.data.preparing.prepare import PrepareConfig
from code_ablate.data.store import Stores
from code_ablate.study.corpus_plan import corpus_rows, repeated, uncompared
from code_ablate.study.plan import make_plan
from code_ablate.study.plan_text import plan_text
from code_ablate.study.recipes import proportion
from tests.study.test_plan import HARDWARE


def expecting(study, **tokens):
    setting = study.settings[0]
    roles = {role: {role: 1} for role in tokens}
    own = dataclasses.replace(setting, roles=roles, expected_tokens=tokens)
    return dataclasses.replace(study, settings=(own,))


def test_expected_tokens_stand_in_for_stores_and_are_called_expected(study, tmp_path):
    rows = {r.corpus: r for r in corpus_rows(expecting(study, text=13_824), Stores({}))}
    text = rows["text"]
    assert (text.expected, text.available, text.epochs) == (True, 13_824, 2.0)
    assert text.arm.recipe in ("text_only", "code_0")
    assert (rows["web"].available, rows["web"].epochs) == (None, None)
    plan = make_plan(expecting(study, text=13_824), Stores({}), HARDWARE, tmp_path)
    said = plan_text(plan)
    assert "expected, not prepared" in said
    assert "REPEATED        text_only (9.97K, cooldown) reads text 2.00 times" in said.splitlines()
    assert not plan.problems


def test_a_store_goes_before_what_was_expected(study, many_stores):
    rows = {r.corpus: r for r in corpus_rows(expecting(study, text=100), many_stores)}
    assert not rows["text"].expected
    assert rows["text"].available == many_stores["text"].num_windows(16) * 16


def test_corpora_of_equal_passes_are_said_in_one_line(study):
    own = expecting(study, web=10_240, markup=2_560)
    (line,) = repeated(corpus_rows(own, Stores({})))
    assert line == "code_100 (9.97K, pretraining) reads markup and 1 more corpora 2.00 times"


def test_more_passes_than_are_allowed_will_be_refused(study):
    (line,) = repeated(corpus_rows(expecting(study, text=1000), Stores({})))
    assert line.endswith("times; more than max_epochs = 4 is refused")


@pytest.mark.parametrize("tokens", [27_648, 100_000])
def test_what_is_read_once_is_no_repetition(study, tokens):
    assert list(repeated(corpus_rows(expecting(study, text=tokens), Stores({})))) == []


def test_the_plan_says_what_sharing_saves(study, many_stores, tmp_path):
    plan = make_plan(study, many_stores, HARDWARE, tmp_path)
    # Of two seeds, text_only = code_0 and balanced_only = code_50.
    assert plan.tokens_saved == 2 * 2 * 400 * 64
    flops = {row.tokens: row.flops for row in plan.phases}[400 * 64]
    hours = 4 * flops / (1e12 * 0.5) / 3600
    assert plan.chip_hours_saved == pytest.approx(hours)
    assert f"{4 * 400 * 64:,} more if equal phases were not trained once" in plan_text(plan)
    assert "4 of 24 phases are shared" in plan_text(plan)
    alone = dataclasses.replace(
        study, recipes=(functools.partial(proportion, share=0.5),), baseline="code_50"
    )
    nothing = make_plan(alone, many_stores, HARDWARE, tmp_path)
    assert nothing.tokens_saved == 0 and "no phase is shared" in plan_text(nothing)


def test_five_hundred_phases_are_described_once_each(study, many_stores, tmp_path, monkeypatch):
    """What makes a plan slow is to describe phases again for every arm and stage."""
    from code_ablate.study import graph

    calls = []
    real = graph.phase_identity
    monkeypatch.setattr(graph, "phase_identity", lambda p, *a: calls.append(id(p)) or real(p, *a))
    many = dataclasses.replace(study, seeds=tuple(range(42)))
    plan = make_plan(many, many_stores, HARDWARE, tmp_path)
    assert len(plan.phases) == 42 * 12 and len(calls) == len(set(calls))
    assert len(plan_text(plan).splitlines()) > 1000


def test_a_model_is_said_once_with_all_its_settings(study, setting, many_stores, tmp_path):
    from code_ablate.study.setting_sweep import sweep

    both = dataclasses.replace(
        study, settings=sweep(setting, product={"learning_rate": (0.5, 1.0)})
    )
    said = plan_text(make_plan(both, many_stores, HARDWARE, tmp_path))
    assert "model 9.97K, learning_rate 0.5; 9.97K, learning_rate 1 9,968 parameters" in said
    assert said.count("embedding\n") == 1
    lines = said.splitlines()
    heads = [line for line in lines if line.startswith(("phase ", "share of tokens "))]
    assert len(heads) == 2
    for head in heads:  # a name in the column does not run into the next one
        under = lines[lines.index(head) + 1]
        assert under[head.index("size") :].startswith("9.97K, learning_rate 0.5 ")


def comparing(study, *order):
    return dataclasses.replace(
        study, prepare=PrepareConfig(near_duplicates=Deduplication(order=order))
    )


def test_the_plan_says_which_corpora_are_not_compared(study, many_stores, tmp_path):
    everything = comparing(study, "text", "web", "markup")
    assert study.corpora == ("markup", "text", "web")
    assert list(uncompared(study)) == list(uncompared(everything)) == []
    (line,) = uncompared(comparing(study, "text", "web"))
    assert line.startswith("markup (not in Deduplication.order)") and "hold out" in line
    # What is measured must not stand elsewhere.
    measured, mixed = uncompared(comparing(study, "web", "markup"))
    assert measured.startswith("bits per byte of text are measured")
    assert mixed.startswith("text (not in")
    said = plan_text(make_plan(comparing(study, "text", "web"), many_stores, HARDWARE, tmp_path))
    assert f"NOT COMPARED    {line}" in said.splitlines()
