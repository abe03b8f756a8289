"""Sources of documents: shards, order, digests."""

import seqio
from hypothesis import given, settings
from hypothesis import strategies as st

from code_ablate.data.sources import documents
from code_ablate.data.sources.base import DocumentSource, Together
from tests.data.sources.reading import read


class Numbers(DocumentSource):
    """Units that hold 0, 1, 2, ... documents."""

    def __init__(self, sizes):
        super().__init__()
        self.sizes = sizes

    def units(self):
        return list(enumerate(self.sizes))

    def read(self, unit):
        number, size = unit
        for i in range(size):
            yield dict.fromkeys(documents.DOCUMENT_FIELDS, "") | {"text": f"{number}.{i}"}

    def describe(self):
        return map(str, self.sizes)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8), st.integers(1, 12))
@settings(deadline=None, max_examples=60)
def test_shards_are_a_partition(sizes, count):
    source = Numbers(sizes)
    whole = [d["text"] for d in source.documents()]
    shards = [[d["text"] for d in source.documents(i, count)] for i in range(count)]
    assert sorted(text for shard in shards for text in shard) == sorted(whole)
    assert len(whole) == sum(sizes)


def test_shard_i_reads_units_i_plus_n():
    assert [d["text"] for d in Numbers([1] * 7).documents(1, 3)] == ["1.0", "4.0"]


def test_shards_through_seqio_and_order():
    source = Numbers([2, 70, 1])
    whole = [row["text"] for row in read(source)]
    assert whole == [d["text"] for d in source.documents()]
    parts = [read(source, shard_info=seqio.ShardInfo(i, 5)) for i in range(5)]
    assert sorted(row["text"] for part in parts for row in part) == sorted(whole)
    shuffled = source.get_dataset("train", shuffle=True, seed=3).as_numpy_iterator()
    again = source.get_dataset("train", shuffle=True, seed=3).as_numpy_iterator()
    first = [row["text"].decode() for row in shuffled]
    assert first == [row["text"].decode() for row in again]
    assert first != whole
    assert sorted(first) == sorted(whole)


def test_together_reads_all_and_its_digest_follows_the_parts():
    both = Together(Numbers([1, 1]), Numbers([2]))
    assert [d["text"] for d in both.documents()] == ["0.0", "1.0", "0.0", "0.1"]
    assert both.digest() == Together(Numbers([1, 1]), Numbers([2])).digest()
    assert both.digest() != Together(Numbers([1, 1]), Numbers([3])).digest()
