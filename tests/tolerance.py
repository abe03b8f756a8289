"""Closeness relative to what is compared: processors differ in the order of their sums."""

import numpy as np


def assert_close(found, expected, share: float) -> None:
    """The largest difference is at most this share of the largest expected magnitude."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    np.testing.assert_allclose(found, expected, rtol=0, atol=share * np.abs(expected).max())
