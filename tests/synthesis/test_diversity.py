"""Figures of variety: what they are by hand, and that templates are told from text."""

import random

import pytest

from code_ablate.synthesis import diversity as module
from code_ablate.synthesis.composed import composed_problem
from code_ablate.synthesis.diversity import diversity, novelty, runs, sample, tokens


def template(number):
    code = f"def solve():\n    return {number} + {number + 1}\n"
    return f"Return the sum of {number} and of the number that comes after it.\n\n{code}" * 3


def test_tokens_are_words_and_signs():
    assert tokens("x_1 = f('a b')") == ["x_1", "=", "f", "(", "'", "a", "b", "'", ")"]
    assert list(runs("abcd", 3)) == [("a", "b", "c"), ("b", "c", "d")]


def test_figures_by_hand(monkeypatch):
    monkeypatch.setattr(module, "SAMPLE_CHARACTERS", 30)
    found = diversity(["a b c d e f g h", "a b c d e f g h"])
    assert found.documents == 2
    assert found.distinct == 5 / 10
    assert found.shared == 1.0


def test_a_pile_of_templates_is_told_from_composed_problems():
    pile = diversity([template(n) for n in range(2000)])
    composed = diversity([composed_problem(3, n, frozenset())[0].text for n in range(130)])
    assert pile.compression > 10 and pile.shared > 0.3
    assert composed.compression < 4.2
    assert composed.distinct > 0.5
    assert composed.shared < 0.2


def test_too_small_a_pile_is_refused():
    with pytest.raises(ValueError, match="fewer than"):
        diversity(["short"])
    with pytest.raises(ValueError, match="at least one"):
        diversity(["short"], characters=0)


def test_the_sample_is_seeded():
    documents = [str(random.Random(n).random()) * 50 for n in range(1000)]
    assert sample(documents, 1, 5000) == sample(documents, 1, 5000) != sample(documents, 2, 5000)


def test_novelty_falls_for_templates_and_stays_for_random_text():
    words = [
        [
            " ".join(str(random.Random((b, d, w).__hash__()).random()) for w in range(30))
            for d in range(5)
        ]
        for b in range(3)
    ]
    assert all(share > 0.99 for share in novelty(words))
    same = [template(1)] * 3
    assert list(novelty([same, same])) == [1.0, 0.0]
