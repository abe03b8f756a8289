"""Items of evaluation tasks as texts to look for in corpora: prompt and answer apart.

    items = items_of(("arc_easy", "humaneval"))      # by task; None: its rows are not here
    items["arc_easy"][0].parts                       # (ItemPart("prompt", "Which ...", False), ...)

A SeqIO source says what its rows are with `items_to_find()`, as this project's evaluation sets do.
Of another Task each example is taken as it is written: `inputs` is its prompt and `targets` its
answer; such items have no ids that scores could be joined by.
"""

import hashlib
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from code_ablate.data import registry
from code_ablate.errors import MissingData, UserError, unknown_name

PROMPT, ANSWER = "prompt", "answer"


@dataclass(frozen=True)
class ItemPart:
    """One text of an item."""

    name: str
    """PROMPT or ANSWER."""
    text: str
    """The text that is looked for."""
    is_code: bool = False
    """Whether it is a program: then it is also looked for renamed and reformatted."""


@dataclass(frozen=True)
class EvaluationItem:
    """Texts of one item that must not stand in a training document."""

    item: str
    """Id of the item, as in the scores."""
    parts: tuple[ItemPart, ...]
    """The texts, each looked for by itself."""


Items = Sequence[EvaluationItem]


def task_names(tasks: Sequence[str]) -> tuple[str, ...]:
    """These tasks; if there are none, every registered Task whose source has items to find.

    Raises UserError for one that is not registered.
    """
    if tasks and registry.expected_tasks() >= set(tasks):
        return tuple(tasks)
    registry.import_expected_tasks()
    import seqio

    known = seqio.TaskRegistry.names()
    for name in tasks:
        if name not in known:
            fitting = registry.evaluation_task_names()
            raise unknown_name("evaluation task (Decontamination.tasks)", name, fitting)
    if tasks:
        return tuple(tasks)
    sources = {name: getattr(seqio.TaskRegistry.get(name), "source", None) for name in known}
    return tuple(sorted(name for name, s in sources.items() if hasattr(s, "items_to_find")))


def items_of(tasks: Sequence[str]) -> dict[str, Items | None]:
    """The items of each task; None where its rows are not on this machine."""
    registry.import_expected_tasks()
    import seqio

    found: dict[str, Items | None] = {}
    for name in tasks:
        task = seqio.TaskRegistry.get(name)
        try:
            if hasattr(task.source, "items_to_find"):
                found[name] = tuple(task.source.items_to_find())
            else:
                found[name] = _written_items(task)
        except MissingData:
            found[name] = None
    return found


def present_items(tasks: Sequence[str]) -> dict[str, Items]:
    """The items of the tasks whose rows are on this machine."""
    return {task: items for task, items in items_of(tasks).items() if items is not None}


def item_fingerprints(tasks: Sequence[str]) -> dict[str, str | None]:
    """A hash of the items of each task; None where its rows are not on this machine.

    Remembered for other processes where the rows are there, as fingerprints of corpora are.
    """
    known = {name: registry.remembered_fingerprint(name) or {} for name in tasks}
    if not all("items" in fields for fields in known.values()):
        registry.import_expected_tasks()
        kept = registry.kept_fingerprints()
        known = {name: dict(kept.get(name, {})) for name in tasks}
    return {
        name: fields["items"] if "items" in fields else _fingerprint(name)
        for name, fields in known.items()
    }


_read: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
"""Fingerprints of sources that keep their rows once they were read."""


def _fingerprint(name: str) -> str | None:
    import seqio

    task = seqio.TaskRegistry.get(name)
    if task.source in _read:
        return _read[task.source]
    items = items_of((name,))[name]
    if items is None:
        return None
    fingerprint = fingerprint_of(items)
    if hasattr(task.source, "items_to_find"):
        _read[task.source] = fingerprint
    if getattr(task.source, "rows_are_installed", False):
        registry.remember_fingerprint(task, {"items": fingerprint})
    return fingerprint


def fingerprint_of(items: Items) -> str:
    """SHA-256, in hexadecimal, of ids and texts."""
    digest = hashlib.sha256()
    for item in items:
        fields = [item.item]
        for part in item.parts:
            fields += [part.name, "code" if part.is_code else "", part.text]
        # Each with its length: no two lists of fields have the same text.
        row = "".join(f"{len(field)}:{field}" for field in (str(len(fields)), *fields))
        digest.update(row.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def same_items(tasks: Sequence[str]) -> dict[str, str]:
    """For each task whose rows are here the first one that has the same items."""
    first: dict[str, str] = {}
    found = item_fingerprints(tasks)
    return {name: first.setdefault(digest, name) for name, digest in found.items() if digest}


def _written_items(task: Any) -> Items:
    """The examples of a Task that was registered with a source of another kind."""
    if "validation" not in task.splits:
        raise UserError(
            f"evaluation task {task.name!r} has the splits {tuple(task.splits)}, and no "
            "'validation': leave it out of Decontamination.tasks."
        )
    dataset = task.get_dataset(None, split="validation", shuffle=False, num_epochs=1)
    items = []
    for number, example in enumerate(dataset.as_numpy_iterator()):
        parts = []
        for feature, part in (("inputs", PROMPT), ("targets", ANSWER)):
            text = example.get(f"{feature}_pretokenized")
            if text is None:
                vocabulary = task.output_features[feature].vocabulary
                text = vocabulary.decode(example[feature].tolist())
            text = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
            parts.append(ItemPart(part, text))
        items.append(EvaluationItem(f"example {number}", tuple(parts)))
    return tuple(items)
