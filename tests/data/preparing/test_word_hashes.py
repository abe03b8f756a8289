"""Words and n-grams as hashes: equal exactly where the words are."""

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from code_ablate.data.preparing.word_hashes import Ragged, sequence_hashes, words_of

TEXTS = st.lists(st.text("aB1_ é.\n漢カ", max_size=12), max_size=5)


def spelled(text: str) -> list[str]:
    """The words, by a regular expression."""
    return re.findall(r"[漢カ]|[a-z0-9_é]+", text.lower())


@given(TEXTS)
def test_hashes_are_equal_exactly_where_words_are(texts):
    words = words_of(texts)
    expected = [word for text in texts for word in spelled(text)]
    assert words.counts.tolist() == [len(spelled(text)) for text in texts]
    by_word = dict(zip(expected, words.values.tolist(), strict=True))
    assert [by_word[word] for word in expected] == words.values.tolist()
    assert len(set(by_word.values())) == len(by_word)


@given(TEXTS, st.integers(1, 5))
def test_an_ngram_lies_in_one_text_and_keeps_the_order(texts, n):
    found = words_of(texts).ngrams(n)
    expected = [
        [tuple(spelled(text)[i : i + n]) for i in range(len(spelled(text)) - n + 1)]
        for text in texts
    ]
    assert found.counts.tolist() == [len(ngrams) for ngrams in expected]
    flat = [ngram for ngrams in expected for ngram in ngrams]
    by_ngram = dict(zip(flat, found.values.tolist(), strict=True))
    assert [by_ngram[ngram] for ngram in flat] == found.values.tolist()
    assert len(set(by_ngram.values())) == len(by_ngram)


@given(st.integers(1, 40), st.integers(0, 60))
def test_a_sequence_has_one_hash_wherever_it_stands(n, length):
    values = np.arange(length, dtype=np.uint64) % np.uint64(7)
    hashes = sequence_hashes(values, n)
    assert len(hashes) == max(0, length - n + 1)
    for start in range(len(hashes)):
        assert sequence_hashes(values[start : start + n], n)[0] == hashes[start]


def test_the_hashes_are_the_recorded_ones():
    """Other values need another VERSION: token stores are kept under them."""
    words = words_of(["The café, 2 漢字"])
    assert words.values.tolist() == RECORDED
    assert int(words.ngrams(3).values[0]) == RECORDED_NGRAM


RECORDED = [
    683894477237114359,
    12773343343742318384,
    13388372465211565227,
    987265566816254323,
    8062743333230120819,
]
RECORDED_NGRAM = 12917436486544489765


def test_windows_of_other_values_follow_the_same_texts():
    ragged = Ragged(np.arange(7), np.array([3, 3, 7]))
    sums = np.array([0 + 1, 1 + 2, 2 + 3, 3 + 4, 4 + 5, 5 + 6])
    windows = ragged.windows(sums, 2)
    assert [windows.of(text).tolist() for text in range(3)] == [[1, 3], [], [7, 9, 11]]
    assert windows.text_of.tolist() == [0, 0, 2, 2, 2]
