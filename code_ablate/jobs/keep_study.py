"""A copy of what a study found, beside the page that is made of it, so that nobody needs its runs.

    keep_study("runs/study-demo", "docs/results/study-demo")
    write_results_page(["docs/results/study-demo"], "docs/results.md", title="What code does")

It holds the record of what was trained, the scores of every item, and what was frozen.
"""

from etils import epath

from code_ablate import storage
from code_ablate.analysis.results.frozen import FILE as FROZEN
from code_ablate.analysis.results.study_record import CHECKPOINTS, FILE, TABLE
from code_ablate.errors import UserError

LIMIT_BYTES = 1_000_000
"""Most bytes of a file beside a page, so that a repository can hold it."""

# The record comes last: a kill in between leaves no copy that does not fit together.
_FILES = (TABLE, CHECKPOINTS, FROZEN, FILE)


def require_room(folder: epath.PathLike) -> None:
    """Raises UserError if a file of a study is too large to be kept."""
    for name in _FILES:
        file = epath.Path(folder) / name
        size = file.stat().length if file.exists() else 0
        if size > LIMIT_BYTES:
            raise UserError(
                f"{file} has {size:,} bytes, and what is kept beside a page {LIMIT_BYTES:,} at "
                "most: leave --keep out, or give the small studies a page of their own."
            )


def keep_study(folder: epath.PathLike, place: epath.PathLike) -> None:
    """Copies a study's results to the folder `place`; nothing where they lie there already.

    Raises UserError as `require_room` does.
    """
    source, target = epath.Path(folder), epath.Path(place)
    if source.resolve() == target.resolve():
        return
    require_room(source)
    target.mkdir(parents=True, exist_ok=True)
    (target / FILE).unlink(missing_ok=True)
    for name in _FILES:
        if (source / name).exists():
            storage.replace(target / name, storage.read_file(source / name))
        else:
            (target / name).unlink(missing_ok=True)  # that of an earlier copy
