"""Checks for corpora and evaluation tasks of your own, for use in your own tests.

    from code_ablate.testing import check_corpus, check_task

    checked = check_corpus("my.notes", ["a document that stays", ""])
    assert [drop.reason for _, drop in checked.dropped] == ["length_under_200"]

Both run a registered SeqIO Task over a few examples, and raise UserError, with the fix, for what
the project would refuse later on. They are imported when they are first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from code_ablate.testing.corpus import check_corpus
    from code_ablate.testing.task import check_task

__all__ = ["check_corpus", "check_task"]

_MODULES = {"check_corpus": "corpus", "check_task": "task"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
