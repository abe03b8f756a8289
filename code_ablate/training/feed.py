"""Global batches as arrays on the devices of all processes.

    feed = Feed(batches, batch_sharding(mesh))
    tokens_BT, corpus_B = feed.read(step)

Each process reads the rows that its own devices hold, as the sharding says. That is not a matter of
dividing the rows by the number of processes: a mesh may be laid out along a pod's links, and
devices of several processes hold the same rows where the tensor axis spans hosts.
"""

from dataclasses import dataclass
from functools import cached_property

import jax
import numpy as np
from jax.sharding import NamedSharding
from jaxtyping import Array, Int

from code_ablate.data.loader import Batches


@dataclass(frozen=True)
class Feed:
    """Batches, placed."""

    batches: Batches
    """What reads the windows."""
    sharding: NamedSharding
    """Placement of a [batch, time] array; time is whole on every device."""

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Shape of the global array: rows, and tokens of a window."""
        return self.batches.batch_windows, self.batches.seq_len + 1

    @cached_property
    def rows_R(self) -> Int[np.ndarray, " R"]:
        """The rows that this process reads, in ascending order."""
        held = self.sharding.addressable_devices_indices_map(self.shape).values()
        return np.unique(np.concatenate([self._rows(index) for index in held]))

    def read(self, step: int) -> tuple[Int[Array, "B T+1"], Int[np.ndarray, " B"]]:
        """Batch `step`: its tokens on the devices, and the corpus of every row."""
        batch = self.batches.read(step, self.rows_R)

        tokens_BT = jax.make_array_from_callback(
            self.shape,
            self.sharding,
            lambda index: batch.tokens_RT[np.searchsorted(self.rows_R, self._rows(index))],
        )
        return tokens_BT, batch.corpus_B

    def _rows(self, index: tuple[slice, ...] | None) -> Int[np.ndarray, " R"]:
        """The rows that a device's part of the global array covers; None is all of it."""
        return np.arange(self.shape[0])[index[0] if index else slice(None)]
