"""Which token stores there are, and why one that is asked for is not among them.

    stores = find_stores(("demo.text", "demo.web_code"), vocabulary, "data", PrepareConfig())
    explain_missing("demo.text", vocabulary, "data", PrepareConfig())   # "" where one is found

Where SeqIO is installed, a store is the right one when its key equals that of the registered
corpus. Elsewhere the manifests say which store was made for these settings; whether its corpus has
changed since then cannot be checked, and that is said.
"""

import functools
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from etils import epath
from tqdm import tqdm

from code_ablate.data.manifest import Manifest
from code_ablate.data.preparing.prepare import (
    FIELDS_OF_TASK,
    PrepareConfig,
    plan_store,
    store_settings,
)
from code_ablate.data.registry import INSTALL, seqio_is_installed
from code_ablate.data.store import Stores, TokenStore
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.errors import NewerFormat, UserError
from code_ablate.identity import differences, identity


def find_stores(
    corpora: Sequence[str],
    vocabulary: Vocabulary | str,
    data_dir: epath.PathLike,
    config: PrepareConfig,
) -> Stores:
    """The finished token stores of `corpora`; a corpus without one is left out.

    `vocabulary`: the value or its digest. Where SeqIO is not installed, the only store that fits
    the settings is taken; UserError if a corpus has none, or several.
    """
    if isinstance(vocabulary, str):
        digest, info = vocabulary, vocabulary_in_stores(vocabulary, data_dir) or {}
        size, eos_id = info.get("size", 0), info.get("eos_id", -1)
        vocabulary = Vocabulary(info.get("name", digest[:12]), "", size, digest, eos_id)
    if seqio_is_installed():
        plans = [plan_store(corpus, vocabulary, data_dir, config) for corpus in corpora]
        finished = {plan.corpus: plan.path for plan in plans if plan.finished}
    else:
        finished = _paths_by_manifest(corpora, vocabulary, data_dir, config)
    return Stores({corpus: TokenStore.open(path) for corpus, path in finished.items()})


def explain_missing(
    corpus: str, vocabulary: Vocabulary, data_dir: epath.PathLike, config: PrepareConfig
) -> str:
    """Why no existing store of `corpus` is used, field by field; '' if one is."""
    if not seqio_is_installed():
        fitting, others = _by_manifest(corpus, vocabulary, data_dir, config)
        why = [_why_none(corpus, fitting, others, data_dir), *_newer(corpus, data_dir)]
        return "" if len(fitting) == 1 else "\n".join(why)
    plan = plan_store(corpus, vocabulary, data_dir, config)
    if plan.finished:
        return ""
    lines = []
    if plan.path.exists():
        lines.append(f"{plan.path.name}: half-written; it is prepared again.")
    for path, manifest in finished_stores(data_dir):
        if manifest.corpus == corpus:
            changes = _changes(dict(manifest.key_fields), plan.key_fields)
            lines.append(f"{path.name} is not used: {'; '.join(changes)}.")
    lines += _newer(corpus, data_dir)
    return "\n".join(lines) or f"no store of {corpus!r} was prepared in {data_dir}."


def vocabulary_in_stores(digest: str, data_dir: epath.PathLike) -> dict[str, Any] | None:
    """What stores made with a vocabulary say of it: name, size, digest, eos_id. None: no store."""
    for _, manifest in finished_stores(data_dir):
        if manifest.vocabulary.get("digest") == digest:
            return dict(manifest.vocabulary)
    return None


def finished_stores(data_dir: epath.PathLike) -> Iterator[tuple[epath.Path, Manifest]]:
    """(path, manifest) of each finished store of a data folder that this version reads, by name."""
    stores = epath.Path(data_dir) / "stores"
    for path in sorted(stores.iterdir()) if stores.exists() else ():
        try:
            yield path, Manifest.load(path)
        except (OSError, ValueError, TypeError, NewerFormat):
            continue


@functools.cache
def say_unchecked(what: str) -> None:
    """Tells the user, once a process, that something was chosen without its sources."""
    tqdm.write(
        f"note: SeqIO is not installed, so {what} were found by their settings alone. Whether "
        "their sources and filters are still the same was not checked; to have it checked: "
        f"{INSTALL}.",
        file=sys.stderr,
    )


def _paths_by_manifest(
    corpora: Sequence[str],
    vocabulary: Vocabulary,
    data_dir: epath.PathLike,
    config: PrepareConfig,
) -> dict[str, epath.Path]:
    """The only store of each corpus that was made for these settings."""
    paths, reasons = {}, []
    for corpus in corpora:
        fitting, others = _by_manifest(corpus, vocabulary, data_dir, config)
        if len(fitting) == 1:
            paths[corpus] = fitting[0]
        else:
            reasons += [_why_none(corpus, fitting, others, data_dir), *_newer(corpus, data_dir)]
    if reasons:
        raise UserError("\n".join([*reasons, f"To prepare corpora, or to have keys: {INSTALL}."]))
    say_unchecked("token stores")
    return paths


def _by_manifest(
    corpus: str, vocabulary: Vocabulary, data_dir: epath.PathLike, config: PrepareConfig
) -> tuple[list[epath.Path], list[tuple[epath.Path, list[str]]]]:
    """(stores of a corpus that were made for these settings, the others with what differs)."""
    wanted = store_settings(vocabulary, config)
    fitting, others = [], []
    for path, manifest in finished_stores(data_dir):
        if manifest.corpus != corpus:
            continue
        fields = {k: v for k, v in manifest.key_fields.items() if k not in FIELDS_OF_TASK}
        if identity(fields) == identity(wanted):
            fitting.append(path)
        else:
            others.append((path, differences(fields, wanted)))
    return fitting, others


def _why_none(
    corpus: str,
    fitting: Sequence[epath.Path],
    others: Sequence[tuple[epath.Path, list[str]]],
    data_dir: epath.PathLike,
) -> str:
    if fitting:
        return (
            f"{len(fitting)} stores of {corpus!r} were made for these settings, from different "
            f"sources or filters: {', '.join(str(path) for path in fitting)}. Move away those that "
            "are not meant."
        )
    if others:
        lines = [f"{path.name}: {'; '.join(fields)}" for path, fields in others]
        return f"no store of {corpus!r} in {data_dir} was made for these settings. " + ". ".join(
            lines
        )
    return f"no store of {corpus!r} was prepared in {data_dir}."


def _newer(corpus: str, data_dir: epath.PathLike) -> list[str]:
    """What is said of the stores of a corpus that a newer version of the program wrote."""
    said = []
    for path in sorted((epath.Path(data_dir) / "stores").glob(f"{corpus}-{'[0-9a-f]' * 12}")):
        try:
            Manifest.load(path)
        except NewerFormat as error:
            said.append(f"{path.name} is not used: {error}")
        except (OSError, ValueError, TypeError):
            continue
    return said


def _changed_items(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Which evaluation tasks are looked for now, and were not; and those with other rows."""
    changed = [task for task in {**old, **new} if old.get(task) != new.get(task)]
    if not changed:
        return []
    others = f" and {len(changed) - 3} others" if len(changed) > 3 else ""
    named = ", ".join(changed[:3]) + others
    return [f"the evaluation items that are looked for have changed ({named})"]


def _changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What differs between the key fields of two stores, in words."""
    old, new = dict(old), dict(new)
    changes = []
    if old.pop("source", None) != new.pop("source"):
        changes.append("the source has changed (other files, or other content)")
    if old.pop("vocabulary", None) != new.pop("vocabulary"):
        changes.append("it was made with another vocabulary")
    if old.pop("against", []) != new.pop("against"):
        changes.append("the corpora that it is compared with, or their order, have changed")
    changes += _changed_items(old.pop("items", {}), new.pop("items"))
    before, now = old.pop("preprocessors", []), new.pop("preprocessors")
    names_before, names_now = ([p["name"] for p in chain] for chain in (before, now))
    if names_before == names_now:
        edited = [a["name"] for a, b in zip(before, now, strict=True) if a != b]
        changes += [f"preprocessor {name!r} was edited" for name in edited]
    else:
        removed = [name for name in names_before if name not in names_now]
        added = [name for name in names_now if name not in names_before]
        changes += [f"preprocessor {name!r} is gone" for name in removed]
        changes += [f"preprocessor {name!r} is new" for name in added]
        if not removed and not added:
            changes.append(f"the preprocessors were {names_before} and are {names_now}")
    return changes + differences(old, new)
