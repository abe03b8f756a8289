"""Closeness relative to what is compared: processors differ in the order of their sums.

What is estimated from random draws is compared within a multiple of its own sampling error.
"""

import numpy as np

SIGMAS = 4
"""Standard errors that an estimate may be off: one in 16,000 is further away by chance."""


def sampling_error(share: float, draws: int) -> float:
    """What a share that is estimated from this many independent draws may be off."""
    return SIGMAS * (share * (1 - share) / draws) ** 0.5


def assert_close(found, expected, share: float) -> None:
    """The largest difference is at most this share of the largest expected magnitude."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    np.testing.assert_allclose(found, expected, rtol=0, atol=share * np.abs(expected).max())


def endpoint_error(standard_error: float, *resamples: int) -> float:
    """What the end of a 95 % percentile interval may be off, from these numbers of resamples.

    A sample quantile has the variance q (1 - q) / (n f^2), f the density there (Kendall and Stuart,
    The Advanced Theory of Statistics, section 10.10); taken as that of a normal distribution.
    """
    q, density = 0.025, 0.0584  # at 1.96 standard errors, per standard error
    variance = sum(q * (1 - q) / (n * density**2) for n in resamples)
    return SIGMAS * standard_error * variance**0.5
