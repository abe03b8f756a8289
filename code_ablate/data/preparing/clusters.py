"""Documents that belong together, by pairs: union-find over numbers.

clusters = Clusters(5)
clusters.join(0, 3)
clusters.together(3, 0)          # True
clusters.root_N                  # array([0, 1, 2, 0, 4]): the smallest number of each cluster
"""

import numpy as np
from jaxtyping import Int


def number_dtype(size: int) -> np.dtype:
    """The smaller signed type that holds the numbers below `size`: 4 or 8 bytes."""
    return np.dtype(np.int32 if size <= 2**31 else np.int64)


class Clusters:
    """A partition of 0 .. size - 1 that grows coarser. Takes 4 bytes for each number, 8 above
    2,147,483,648 of them."""

    def __init__(self, size: int):
        self._parent = np.arange(size, dtype=number_dtype(size))

    def root(self, number: int) -> int:
        """The smallest number of a cluster."""
        parent = self._parent
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = int(parent[number])
        return number

    def join(self, first: int, second: int) -> None:
        """Makes one cluster of two."""
        low, high = sorted((self.root(first), self.root(second)))
        self._parent[high] = low

    def together(self, first: int, second: int) -> bool:
        """Whether two numbers are in one cluster."""
        return self.root(first) == self.root(second)

    @property
    def root_N(self) -> Int[np.ndarray, " N"]:
        """The smallest number of the cluster of each number."""
        root_N = self._parent
        while True:
            shorter = root_N[root_N]
            if (shorter == root_N).all():
                return root_N
            root_N = shorter
