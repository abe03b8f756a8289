"""Deletes the checkpoints of a study that nothing needs any more.

garbage = clean_study(directory)                 # looks only
garbage = clean_study(directory, delete=True)
"""

from etils import epath

from code_ablate import locks
from code_ablate.study.garbage import Garbage, delete_garbage, find_garbage


def clean_study(directory: epath.Path, *, arms: bool = False, delete: bool = False) -> Garbage:
    """What nothing needs; deleted, if that is asked for. `arms`: as for `find_garbage`.

    Raises UserError if the study is running, or if a study or run beside it cannot be read.
    """
    if not delete:
        return find_garbage(directory, arms=arms)
    # In a turn of its own among the runs: a study that begins notes first what it needs, and then
    # looks whether it is there.
    with locks.held(directory, "cleaned"), locks.turn(directory.parent, "deletes checkpoints"):
        garbage = find_garbage(directory, arms=arms)
        delete_garbage(garbage)
    return garbage
