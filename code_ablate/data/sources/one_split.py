"""The part that all our SeqIO sources share: one split, any number of shards."""

from collections.abc import Mapping

import seqio
import tensorflow as tf

from code_ablate.errors import UserError


class OneSplitSource(seqio.DataSource):
    """A SeqIO source with one split. A subclass says `elements`."""

    def __init__(self, split: str):
        super().__init__(splits=(split,))

    def elements(self, shuffle: bool, seed: int | None, shard: seqio.ShardInfo) -> tf.data.Dataset:
        """The elements of one shard; `shuffle` and `seed` decide their order."""
        raise NotImplementedError

    @property
    def supports_arbitrary_sharding(self) -> bool:
        """True: any number of shards."""
        return True

    def get_dataset(
        self,
        split: str | None = None,
        shuffle: bool = True,
        seed: int | None = None,
        shard_info: seqio.ShardInfo | None = None,
        *,
        sequence_length: Mapping[str, int] | None = None,
        use_cached: bool = False,
        num_epochs: int | None = 1,
    ) -> tf.data.Dataset:
        """The elements as a dataset. Raises UserError for another split, or when there are none."""
        (own,) = self.splits
        if split not in (None, own):
            raise UserError(f"{type(self).__name__} has no split {split!r}; it has {own!r}.")
        return self.elements(shuffle, seed, shard_info or seqio.ShardInfo(0, 1))
