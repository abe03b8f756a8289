"""What decides the documents of a registered corpus; from memory where that is known to be right.

fields = corpus_fingerprint("demo.text")     # {"source": digest, "preprocessors": [...]}
"""

from typing import Any

from code_ablate.data import registry
from code_ablate.data.quietly import import_quietly


def corpus_fingerprint(name: str) -> dict[str, Any]:
    """`task_fingerprint` of the registered corpus. Raises UserError for an unknown one."""
    known = registry.remembered_fingerprint(name)
    if known and "source" in known:  # that of an evaluation task says other things
        return known
    import_quietly("tensorflow")
    from code_ablate.data.preparing.task_run import find_task, task_fingerprint

    task = find_task(name)
    fingerprint = task_fingerprint(task)
    registry.remember_fingerprint(task, fingerprint)
    return fingerprint
