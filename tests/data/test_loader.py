import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from code_ablate.data.loader import Batches, ReadAhead
from code_ablate.data.store import Stores
from code_ablate.training.reading import phase_stream
from tests.conftest import FakeStore


def batches_of(phase, stores):
    stream = phase_stream(phase, Stores(stores))
    return Batches(stream, stores, phase.batch_windows, phase.seq_len)


@given(step=st.integers(0, 19), rows=st.lists(st.integers(0, 3), unique=True, min_size=1))
@settings(max_examples=30, deadline=None)
def test_a_row_is_the_same_whoever_reads_it(phase_and_stores, step, rows):
    batches = batches_of(*phase_and_stores)
    whole, part = batches.read(step), batches.read(step, np.array(rows))
    np.testing.assert_array_equal(part.tokens_RT, whole.tokens_RT[rows])
    np.testing.assert_array_equal(part.corpus_B, whole.corpus_B)


@pytest.fixture(scope="module")
def phase_and_stores():
    from code_ablate.data.mixing import Mixture
    from code_ablate.training.phase import Optimizer, Phase, Schedule
    from tests.conftest import TINY

    phase = Phase(
        Mixture.of({"a": 0.7, "b": 0.3}), 20 * 4 * 16, TINY, Optimizer(), Schedule(), 4, 16, 0
    )
    return phase, {"a": FakeStore(1, 4001), "b": FakeStore(2, 3001)}


def test_rows_are_the_windows_that_the_stream_names(phase_and_stores):
    phase, stores = phase_and_stores
    batches = batches_of(phase, stores)
    batch = batches.read(3)
    corpora, windows = batches.stream.at(np.arange(12, 16))
    assert batch.tokens_RT.shape == (4, 17)
    for row, corpus, window in zip(batch.tokens_RT, corpora, windows, strict=True):
        tokens = stores[batches.stream.corpora[corpus]].tokens
        np.testing.assert_array_equal(row, tokens[window * 16 : window * 16 + 17])


def test_read_ahead_keeps_order_and_count():
    with ReadAhead(lambda step: step * step, first=3, last=50, depth=4) as reader:
        assert list(reader) == [(step, step * step) for step in range(3, 50)]


def test_read_ahead_raises_where_the_result_is_taken():
    def fail(step):
        if step == 2:
            raise RuntimeError("a damaged chunk")
        return step

    with ReadAhead(fail, first=0, last=9) as reader, pytest.raises(RuntimeError, match="damaged"):
        for step, _ in reader:
            assert step < 2


def test_read_ahead_stops_when_left_early():
    made = []
    reader = ReadAhead(lambda step: made.append(step), first=0, last=10**9)
    with reader:
        next(iter(reader))
    assert not reader._thread.is_alive()
    assert len(made) < 100
