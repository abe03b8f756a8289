"""Documents of formal languages."""

import collections

import pytest

from code_ablate.data.sources.formal_languages import FormalLanguage
from code_ablate.errors import UserError


def depths(words: list[str]) -> list[int]:
    """Number of brackets that are open after each word."""
    total, seen = 0, []
    for word in words:
        total += 1 if word.islower() else -1
        seen.append(total)
    return seen


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("pairs, depth", [(1, 1), (3, 4), (40, 16)])
def test_every_document_is_of_the_language(pairs, depth, shuffled):
    source = FormalLanguage(20, brackets=200, pairs=pairs, depth=depth, shuffled=shuffled)
    crossing = False
    for document in source.documents():
        words = document["text"].split()
        assert len(words) == 200
        assert min(depths(words)) == 0 and max(depths(words)) <= depth and depths(words)[-1] == 0
        open_words: list[str] = []
        for word in words:
            if word.islower():
                open_words.append(word)
            else:
                crossing |= open_words[-1] != word.lower()
                assert word.lower() in open_words
                open_words.reverse()
                open_words.remove(word.lower())
                open_words.reverse()
    assert crossing == (shuffled and pairs > 1 and depth > 1)


def test_pairs_are_used_alike_and_the_bound_of_the_depth_is_reached():
    words = FormalLanguage(1, brackets=20_000, pairs=30, depth=5).document(0).split()
    counts = collections.Counter(word for word in words if word.islower())
    assert len(counts) == 30
    # Each about 333 times; six standard deviations of a binomial count are 108.
    assert all(abs(n - 10_000 / 30) < 108 for n in counts.values())
    assert max(depths(words)) == 5


def test_documents_depend_on_seed_and_number_alone():
    first = FormalLanguage(600, seed=1)
    assert [d["text"] for d in first.documents(1, 3)] == [
        d["text"] for d in FormalLanguage(600, seed=1).documents(1, 3)
    ]
    assert FormalLanguage(9, seed=1).document(3) == first.document(3)
    texts = [
        d["text"] for source in (first, FormalLanguage(600, seed=2)) for d in source.documents()
    ]
    assert len(set(texts)) == 1200
    assert first.digest() != FormalLanguage(600, seed=2).digest()
    assert first.digest() != FormalLanguage(600, seed=1, shuffled=True).digest()


@pytest.mark.parametrize(
    "arguments",
    [{"documents": 0}, {"pairs": 0}, {"pairs": 703}, {"depth": 0}, {"brackets": 3}, {"pairs": True},
     {"brackets": 2.0}],
)  # fmt: skip
def test_impossible_languages_are_refused(arguments):
    (name,) = arguments
    with pytest.raises(UserError, match=rf"FormalLanguage\.{name}"):
        FormalLanguage(**{"documents": 5, **arguments})
