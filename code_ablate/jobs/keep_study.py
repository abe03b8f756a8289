"""A copy of what a study found, beside the page that is made of it, so that nobody needs its runs.

    keep_study("runs/study-demo", "docs/results/study-demo")
    write_results_page(["docs/results/study-demo"], "docs/results.md", title="What code does")

It holds the record of what was trained, the scores of every item, and what was frozen.
"""

import os

from etils import epath

from code_ablate import storage
from code_ablate.analysis.report.phrases import counted
from code_ablate.analysis.results.frozen import FILE as FROZEN
from code_ablate.analysis.results.study_record import CHECKPOINTS, FILE, TABLE, StudyRecord
from code_ablate.errors import UserError

LIMIT_BYTES = 1_000_000
"""Most bytes of a file beside a page, so that a repository can hold it."""

# The record comes last: a kill in between leaves no copy that does not fit together.
_FILES = (TABLE, CHECKPOINTS, FROZEN, FILE)


def require_keepable(folder: epath.PathLike, place: epath.PathLike) -> None:
    """Raises UserError if a study cannot be kept at `place`.

    Its files may be too large; or what is kept there has arms that the study has not, and may be
    the only copy of them.
    """
    source, target = epath.Path(folder), epath.Path(place)
    if os.path.realpath(source) == os.path.realpath(target):
        return
    for name in _FILES:
        file = source / name
        size = file.stat().length if file.exists() else 0
        if size > LIMIT_BYTES:
            raise UserError(
                f"{file} has {size:,} bytes, and what is kept beside a page {LIMIT_BYTES:,} at "
                "most: leave --keep out, or give the small studies a page of their own."
            )
    lost = _arms(target) - _arms(source)
    if lost:
        raise UserError(
            f"{target} keeps {counted(len(lost), 'arm')} that {source} does not have, and would "
            "lose them: make the page of what is kept, or move it away."
        )


def _arms(folder: epath.Path) -> set[tuple[str, str]]:
    """Each arm that has results, with the identity of its last phase."""
    if not (folder / FILE).exists():
        return set()
    return {(str(record.arm), record.phase) for record in StudyRecord.read(folder / FILE).arms}


def keep_study(folder: epath.PathLike, place: epath.PathLike) -> None:
    """Copies a study's results to the folder `place`; nothing where they lie there already.

    Raises UserError as `require_keepable` does.
    """
    source, target = epath.Path(folder), epath.Path(place)
    if os.path.realpath(source) == os.path.realpath(target):
        return
    require_keepable(source, target)
    target.mkdir(parents=True, exist_ok=True)
    (target / FILE).unlink(missing_ok=True)
    for name in _FILES:
        if (source / name).exists():
            storage.replace(target / name, storage.read_file(source / name))
        else:
            (target / name).unlink(missing_ok=True)  # that of an earlier copy
