"""Progress bars: rate and time left, on a terminal as on a log file.

with bar(total, "pretraining", unit="tok", scale=True) as progress:
    progress.update(n)
"""

import sys

from tqdm import tqdm


def bar(total: float | None, label: str, *, unit: str, scale: bool = False, initial: float = 0):
    """A tqdm bar on stderr. Where that is not a terminal, it is redrawn every 15 seconds."""
    terminal = sys.stderr.isatty()
    return tqdm(
        total=total,
        desc=label,
        unit=unit,
        unit_scale=scale,
        initial=initial,
        mininterval=0.1 if terminal else 15.0,
        dynamic_ncols=terminal,
        ncols=None if terminal else 110,
        file=sys.stderr,
        leave=True,
    )
