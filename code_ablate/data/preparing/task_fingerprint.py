"""Fingerprints of sources and preprocessors: a changed corpus is not taken for the old one.

    source_digest(task.source)                      # what would be read
    [preprocessor_fingerprint(p) for p in task.preprocessors]   # {"name": ..., "digest": ...}

What a preprocessor reaches is followed by content: `code_ablate.data.fingerprints.reachable`.
docs/identities.md has the list. Where something cannot be followed, UserError says what, and
how to vouch for it by a `version`.
"""

import contextlib
import functools
import hashlib
import os
from collections.abc import Callable, Sequence
from typing import Any

from code_ablate.data.fingerprints.installed import is_installed, is_ours
from code_ablate.data.fingerprints.named_files import named_files, opens_files, say_unfollowed
from code_ablate.data.fingerprints.opened import files_opened
from code_ablate.data.fingerprints.reachable import Reached, placed
from code_ablate.data.fingerprints.source_text import Unfollowable
from code_ablate.data.source_errors import reading
from code_ablate.data.sources.content_digests import content_digests
from code_ablate.errors import UserError

_PROBED_DOCUMENTS = 2
"""First documents of a corpus that its own preprocessors are tried on, to see what they open."""


def preprocessor_name(preprocessor: Callable) -> str:
    """The `name` attribute, else the name of the function (through partials) or of the class."""
    name = getattr(preprocessor, "name", None)
    if isinstance(name, str) and name:
        return name
    if isinstance(preprocessor, functools.partial):
        return preprocessor_name(preprocessor.func)
    return getattr(preprocessor, "__name__", type(preprocessor).__name__)


def preprocessor_fingerprint(preprocessor: Callable, opened: Sequence[str] = ()) -> dict[str, str]:
    """`name` and `digest` of one preprocessor of a Task, or of a metric.

    `opened`: paths of the files that it opens. Raises UserError if something that may change its
    result cannot be followed.
    """
    return _with_opened(*_named_text(preprocessor), opened)


def _named_text(preprocessor: Callable) -> tuple[str, str]:
    """The name of a preprocessor, and all that it reaches as text. Raises UserError."""
    name = preprocessor_name(preprocessor)
    return name, _followed(name, lambda: Reached().describe(preprocessor))


def _with_opened(name: str, text: str, opened: Sequence[str]) -> dict[str, str]:
    for file, digest in zip(opened, content_digests(opened), strict=True):
        text += f"\n{placed(file)} {digest}"
    return {"name": name, "digest": _hash(text)[:16]}


def fingerprints_of(task: Any, preprocessors: Sequence[Callable]) -> list[dict[str, str]]:
    """`preprocessor_fingerprint` of some of a SeqIO Task's, with the files that they open.

    Those of the user's own are tried on the first documents to see which files they open.
    """
    described = [_named_text(p) for p in preprocessors]  # before a trial draws numbers
    opened: list[str] = []
    if any(is_own(preprocessor) for preprocessor in preprocessors):
        with contextlib.suppress(Exception):  # what is wrong is said when the Task is run
            opened = files_opened(_trial(task, preprocessors))
    return [
        _with_opened(name, text, opened if is_own(preprocessor) else ())
        for preprocessor, (name, text) in zip(preprocessors, described, strict=True)
    ]


def is_own(preprocessor: Any) -> bool:
    """Whether a preprocessor is neither installed nor this project's."""
    while isinstance(preprocessor, functools.partial):
        preprocessor = preprocessor.func
    named = hasattr(preprocessor, "__qualname__")
    module = (preprocessor if named else type(preprocessor)).__module__ or ""
    return not is_installed(module) and not is_ours(module)


def _trial(task: Any, preprocessors: Sequence[Callable]) -> Callable[[], object]:
    """Runs `preprocessors` on the first documents, which are read before."""
    import tensorflow as tf

    split = next(iter(task.splits))
    first = task.source.get_dataset(split=split, shuffle=False).take(_PROBED_DOCUMENTS)
    held = list(first)

    def run() -> None:
        dataset = tf.data.Dataset.from_generator(
            lambda: iter(held), output_signature=first.element_spec
        )
        for preprocessor in preprocessors:
            dataset = preprocessor(dataset)
        for _ in dataset:
            pass

    return run


def _followed(name: str, describe: Callable[[], str]) -> str:
    """What `describe` returns. UserError, with what to do, if something cannot be followed."""
    try:
        return describe()
    except Unfollowable as error:
        why = str(error)
    except RecursionError:
        why = "it is nested too deep"
    raise UserError(
        f"{name!r} cannot be told from another one that gives other results: {why}. A `version` of "
        "its own (an attribute, text or a number) vouches for it: give it another one whenever its "
        "result changes."
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def source_digest(source: Any) -> str:
    """What a SeqIO source would read: its own `digest()`, or the best that it lets be seen.

    Of a file source that is every file with its content (on an object store its size and time of
    change); of a TFDS source the name with version and the sizes of its splits; of others
    (FunctionDataSource) the class and its attributes, and all that its functions reach, files that
    they name among it. A class of the user's own counts with its code. Raises UserError if
    something cannot be followed, unless the source has a `version`; tells the user where a function
    reads files and names none.
    """
    name = type(source).__name__
    version = getattr(source, "version", None)
    if isinstance(version, str | int):
        return _hash(f"{type(source).__module__}.{name} version {version!r} {source.splits}")
    if hasattr(source, "digest"):
        own = [cls for cls in type(source).__mro__ if is_own(cls)]
        if not own:
            return source.digest()
        code = _followed(name, lambda: Reached(follow_ours=False).describe(own))
        return _hash(f"{source.digest()} {code}")
    import seqio

    if isinstance(source, seqio.FileDataSource):
        with reading(f"a source ({name})"):
            seen = [_describe_files(source, split) for split in source.splits]
    elif isinstance(source, seqio.TfdsDataSource):
        with reading(f"a source ({name})"):
            splits = source.tfds_dataset.info.splits
        sizes = {name: (info.num_examples, info.num_bytes) for name, info in splits.items()}
        return _hash(f"{source!r} {source.tfds_dataset.info.full_name} {sorted(sizes.items())}")
    else:
        seen = []
    reached = Reached()
    text = "\n".join([_followed(name, lambda: reached.describe(source)), *seen])
    unseen = opens_files(reached.names) and not named_files(reached.strings)
    if isinstance(source, seqio.FunctionDataSource) and unseen:
        say_unfollowed(_where_defined(source._dataset_fn))
    return _hash(text)


def _describe_files(source: Any, split: str) -> str:
    import tensorflow as tf

    paths = list(source.list_shards(split))
    local = [path for path in paths if os.path.isfile(path)]
    digests = dict(zip(local, content_digests(local), strict=True))
    lines = [split]
    for path in paths:
        if path in digests:
            lines.append(f"{path} {digests[path]}")
        else:
            stat = tf.io.gfile.stat(path)
            lines.append(f"{path} {stat.length} {stat.mtime_nsec}")
    return "\n".join(lines)


def _where_defined(function: Any) -> str:
    """A function's module and name, through partials."""
    while isinstance(function, functools.partial):
        function = function.func
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{getattr(function, '__module__', '')}.{name}"
