import dataclasses

import numpy as np
import pytest

from code_ablate.data.mixing import CorpusUse, Mixture
from code_ablate.data.store import Stores
from code_ablate.errors import UserError
from code_ablate.training.reading import corpus_usage, phase_stream, require_stores, windows_read
from tests.conftest import FakeStore


def stores_with(stores, **changed):
    """The stores with others in the place of some; None leaves one out."""
    together = {**stores, **changed}
    return Stores({corpus: store for corpus, store in together.items() if store is not None})


def test_cursors_are_carried_from_parent_to_child(phase, child, stores):
    read = windows_read(phase)
    assert sum(read.values()) == 80
    assert phase_stream(child, stores).already_read == read
    total = windows_read(child)
    assert sum(total.values()) == 100 and total["b"] == read["b"]


def test_a_child_goes_on_in_each_of_two_corpora_of_equal_content(phase, child):
    stores = Stores({"a": FakeStore(1, 4001), "b": FakeStore(1, 4001)})
    both = dataclasses.replace(phase, mixture=Mixture.of({"a": 0.5, "b": 0.5}))
    only_b = dataclasses.replace(child, mixture=Mixture.of({"b": 1}), parent=both)
    parent_stream, stream = phase_stream(both, stores), phase_stream(only_b, stores)
    corpus_N, window_N = parent_stream.at(np.arange(both.steps * both.batch_windows))
    of_a, of_b = (window_N[corpus_N == m] for m in (0, 1))
    assert (of_a != of_b).mean() > 0.9
    # Read alone by the child, "b" keeps the order that it had beside "a".
    _, later_N = stream.at(np.arange(only_b.steps * only_b.batch_windows))
    assert not set(of_b) & set(later_N)
    alone = phase_stream(dataclasses.replace(both, mixture=Mixture.of({"a": 1})), stores)
    np.testing.assert_array_equal(alone.at(np.arange(len(of_a)))[1], of_a)


def test_usage_over_the_chain(child, stores):
    usage = corpus_usage(child, stores_with(stores, a=FakeStore(1, 50 * 16 + 1)))
    assert sum(use.tokens for use in usage.values()) == 100 * 16
    assert usage["a"].requested_share == pytest.approx((0.5 * 80 + 0.9 * 20) / 100)
    assert usage["a"].tokens == 58 * 16
    assert usage["a"].epochs == pytest.approx(58 / 50)
    assert usage["a"].unique_tokens == 50 * 16


def test_a_corpus_with_a_share_of_0_needs_no_store(phase, stores):
    only_a = dataclasses.replace(phase, mixture=Mixture.of({"a": 1, "z": 0}))
    usage = corpus_usage(only_a, stores_with(stores, b=None, c=None))
    assert usage["z"] == CorpusUse(requested_share=0, tokens=0, unique_tokens=0, epochs=0)
    require_stores(only_a, stores_with(stores, b=None, c=None))


def test_too_many_epochs_are_refused_with_the_numbers(phase, stores):
    few = stores_with(stores, a=FakeStore(1, 8 * 16 + 1))
    with pytest.raises(UserError, match=r"'a' 5\.00 times.*640 tokens.*512 are allowed"):
        phase_stream(phase, few)
    phase_stream(dataclasses.replace(phase, max_epochs=5), few)


def test_epochs_are_counted_over_the_whole_chain(phase, child, stores):
    # 58 windows over both phases: neither phase alone reads 20 windows more than 2 times.
    few = stores_with(stores, a=FakeStore(1, 20 * 16 + 1))
    phase_stream(dataclasses.replace(phase, max_epochs=2), few)
    with pytest.raises(UserError, match=r"'a' 2\.90 times"):
        phase_stream(dataclasses.replace(child, max_epochs=2), few)


@pytest.mark.parametrize(
    ("store", "message"),
    [
        (None, "no token store of 'b'"),
        (FakeStore(2, 16), "less than one window"),
        (FakeStore(2, 3001, vocabulary=300), "vocabulary of 300 entries"),
    ],
)
def test_stores_that_cannot_feed_a_phase_are_refused(phase, stores, store, message):
    require_stores(phase, stores)
    with pytest.raises(UserError, match=message):
        require_stores(phase, stores_with(stores, b=store))


def test_stores_of_different_vocabularies_are_refused(phase, stores):
    other = FakeStore(2, 3001)
    other.manifest.vocabulary["digest"] = "another"
    with pytest.raises(UserError, match="different vocabularies"):
        require_stores(phase, stores_with(stores, b=other))
