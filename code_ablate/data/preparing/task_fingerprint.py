"""Fingerprints of sources and preprocessors: a changed corpus is not taken for the old one.

    source_digest(task.source)                      # what would be read
    [preprocessor_fingerprint(p) for p in task.preprocessors]   # {"name": ..., "digest": ...}

A fingerprint covers a preprocessor's name, its arguments (dataclass fields, arguments of partials,
values in closures, defaults), the text of its source without comments, docstrings and layout, and
likewise the functions and constants of the same package that it refers to. Not covered: other
packages (their versions stand in the manifest), gin bindings, and state behind objects that show no
attributes.
"""

import ast
import dataclasses
import functools
import hashlib
import inspect
import os
import re
import sys
import textwrap
import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from code_ablate.data.sources.content_digests import content_digests
from code_ablate.data.sources.named_files import named_files, opens_files, say_unfollowed

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_MAX_DEPTH = 12
_RECORDED_MODULES = {
    "code_ablate.evaluation.kinds.ranked": "code_ablate.evaluation.rank_classification",
    "code_ablate.evaluation.kinds.gold": "code_ablate.evaluation.gold",
    "code_ablate.evaluation.kinds.answers": "code_ablate.evaluation.answers",
    "code_ablate.evaluation.kinds.programs": "code_ablate.evaluation.programs",
    "code_ablate.evaluation.kinds.open_ended": "code_ablate.evaluation.open_ended",
}
"""Modules whose classes stand in recorded identities under the name that they had then."""
_ATOMS = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis))


def preprocessor_name(preprocessor: Callable) -> str:
    """The `name` attribute, else the name of the function (through partials) or of the class."""
    name = getattr(preprocessor, "name", None)
    if isinstance(name, str) and name:
        return name
    if isinstance(preprocessor, functools.partial):
        return preprocessor_name(preprocessor.func)
    return getattr(preprocessor, "__name__", type(preprocessor).__name__)


def preprocessor_fingerprint(preprocessor: Callable) -> dict[str, str]:
    """`name` and `digest` of one preprocessor of a Task."""
    text = _Describer().describe(preprocessor)
    digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]
    return {"name": preprocessor_name(preprocessor), "digest": digest}


def source_digest(source: Any) -> str:
    """What a SeqIO source would read: its own `digest()`, or the best that it lets be seen.

    Of a file source that is every file with its content (on an object store its size and time of
    change); of a TFDS source the name with version and the sizes of its splits; of others
    (FunctionDataSource) the class and its attributes, functions with their source text and the
    values they close over, and the content of the files that these name. Where a function reads
    files and names none, the user is told.
    """
    if hasattr(source, "digest"):
        return source.digest()
    import seqio

    if isinstance(source, seqio.FileDataSource):
        seen = [_describe_files(source, split) for split in source.splits]
    elif isinstance(source, seqio.TfdsDataSource):
        splits = source.tfds_dataset.info.splits
        sizes = {name: (info.num_examples, info.num_bytes) for name, info in splits.items()}
        seen = [repr(source), source.tfds_dataset.info.full_name, repr(sorted(sizes.items()))]
    else:
        seen = []
    describer = _Describer()
    text = "\n".join([describer.describe(source), *seen])
    if isinstance(source, seqio.FunctionDataSource):
        paths = named_files(describer.strings)
        text = "\n".join([text, *content_digests(paths)])
        if not paths and opens_files(describer.names):
            say_unfollowed(_where_defined(source._dataset_fn))
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


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


def _source_text(thing: Any) -> str:
    """The normalised source of a function or class; its byte code where there is no source."""
    try:
        text = textwrap.dedent(_lambda_lines(thing) or inspect.getsource(thing))
    except (OSError, TypeError):
        code = getattr(thing, "__code__", None)
        return _code_text(code) if code else "(no source)"
    try:
        tree = ast.parse(text)
    except SyntaxError:  # a lambda in the middle of an expression
        return text
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_docstring(body[0]):
            body[:] = body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _lambda_lines(thing: Any) -> str:
    """The lines of a lambda that goes on after its first; "" for all else.

    inspect.getsource ends where a statement could end, though brackets may be open around a lambda.
    """
    code = getattr(thing, "__code__", None)
    if getattr(thing, "__name__", None) != "<lambda>" or code is None:
        return ""
    first = code.co_firstlineno
    last = max(end or first for _, end, _, _ in code.co_positions())
    if last < first + len(inspect.getsourcelines(thing)[0]):
        return ""
    return "".join(inspect.findsource(thing)[0][first - 1 : last])


def _is_docstring(node: ast.AST) -> bool:
    value = getattr(node, "value", None)
    return (
        isinstance(node, ast.Expr)
        and isinstance(value, ast.Constant)
        and isinstance(value.value, str)
    )


def _code_text(code: types.CodeType) -> str:
    constants = [_code_text(c) if inspect.iscode(c) else repr(c) for c in code.co_consts]
    return f"{code.co_code.hex()} {code.co_names} {constants}"


def _package(thing: Any) -> str:
    return (getattr(thing, "__module__", None) or "").partition(".")[0]


class _Describer:
    """Writes an object as text that is the same in every process; each object once."""

    def __init__(self):
        self._seen: dict[int, int] = {}
        self._alive: list[Any] = []  # ids stay unique only while their objects live
        self.strings: set[str] = set()
        """Strings and paths that were met: constants, arguments, values of closures and globals."""
        self.names: set[str] = set()
        """Names that the functions that were met refer to."""

    def describe(self, thing: Any, depth: int = 0) -> str:
        """The text of `thing`."""
        if isinstance(thing, str | os.PathLike):
            self.strings.add(str(thing))
        if isinstance(thing, _ATOMS):
            return repr(thing)
        if id(thing) in self._seen:
            return f"<seen {self._seen[id(thing)]}>"
        if depth > _MAX_DEPTH:
            return f"<{type(thing).__qualname__}>"
        if not isinstance(thing, tuple | frozenset):  # equal constants may or may not be one object
            self._seen[id(thing)] = len(self._seen)
            self._alive.append(thing)
        return self._compound(thing, depth + 1)

    def _compound(self, thing: Any, depth: int) -> str:
        if isinstance(thing, Mapping):
            parts = sorted(f"{k!r}: {self.describe(thing[k], depth)}" for k in thing)
            return "{" + ", ".join(parts) + "}"
        if isinstance(thing, list | tuple):
            return "[" + ", ".join(self.describe(item, depth) for item in thing) + "]"
        if isinstance(thing, set | frozenset):
            return "set" + repr(sorted(map(repr, thing)))
        if isinstance(thing, np.ndarray | np.generic):
            values = np.asarray(thing)
            content = repr(values.tolist()) if values.dtype == object else values.tobytes().hex()
            return f"array {values.dtype} {values.shape} {content}"
        if isinstance(thing, re.Pattern):
            return repr((thing.pattern, thing.flags))
        if isinstance(thing, types.ModuleType):
            return f"module {thing.__name__}"
        if isinstance(thing, functools.partial):
            return "partial" + self.describe((thing.func, thing.args, thing.keywords), depth)
        if isinstance(thing, types.MethodType):
            return "method" + self.describe((thing.__func__, thing.__self__), depth)
        if isinstance(thing, types.FunctionType):
            return self._function(thing, depth)
        if isinstance(thing, type):
            return self._class(thing, depth)
        return self._instance(thing, depth)

    def _function(self, function: types.FunctionType, depth: int) -> str:
        self._look_into(function.__code__)
        closure = [_cell_value(cell) for cell in function.__closure__ or ()]
        parts = (closure, function.__defaults__, function.__kwdefaults__)
        inner = self.describe(parts, depth)
        wrapped = getattr(
            function, "__wrapped__", None
        )  # getsource goes through it, closures do not
        if wrapped is not None:
            inner += self.describe(wrapped, depth)
        text = _source_text(function)
        return f"{function.__qualname__} {text} {inner} {self._globals(function, depth)}"

    def _globals(self, function: types.FunctionType, depth: int) -> str:
        """What a function refers to in its module: constants, and functions of the same package."""
        parts = []
        for name in sorted(_names(function.__code__)):
            if name not in function.__globals__ or name == "__file__":  # where it lies
                continue
            value = function.__globals__[name]
            constant = isinstance(value, (*_ATOMS, tuple, frozenset, re.Pattern))
            ours = isinstance(value, types.FunctionType | type | functools.partial) and (
                _package(getattr(value, "func", value)) == _package(function)
            )
            if constant or ours:
                parts.append(f"{name}={self.describe(value, depth)}")
        return "; ".join(parts)

    def _look_into(self, code: types.CodeType) -> None:
        self.names.update(code.co_names)
        for constant in code.co_consts:
            if isinstance(constant, str):
                self.strings.add(constant)
            elif inspect.iscode(constant):
                self._look_into(constant)

    def _class(self, cls: type, depth: int) -> str:
        module = _RECORDED_MODULES.get(cls.__module__, cls.__module__)
        name = f"{module}.{cls.__qualname__}"
        if _package(cls) in sys.stdlib_module_names or _package(cls) in ("seqio", "tensorflow"):
            return name
        parts = [name, _source_text(cls)]
        for value in vars(cls).values():
            function = getattr(value, "__func__", None) or getattr(value, "fget", None) or value
            if isinstance(function, types.FunctionType):
                self._look_into(function.__code__)
                parts.append(self._globals(function, depth))
        parts += [self.describe(base, depth) for base in cls.__bases__ if base is not object]
        return " ".join(parts)

    def _instance(self, thing: Any, depth: int) -> str:
        kind = self.describe(type(thing), depth)
        if dataclasses.is_dataclass(thing):
            values = {f.name: getattr(thing, f.name, None) for f in dataclasses.fields(thing)}
            return f"{kind} {self.describe(values, depth)}"
        if hasattr(thing, "vocab_size") and hasattr(thing, "encode_tf"):
            # A SeqIO vocabulary loads itself lazily: its attributes change when it is used.
            return f"{kind} {thing.vocab_size} {_ADDRESS.sub('', str(thing))}"
        attributes = getattr(thing, "__dict__", None)
        if attributes:
            return f"{kind} {self.describe(dict(attributes), depth)}"
        return f"{kind} {_ADDRESS.sub('', repr(thing))}"


def _names(code: types.CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if inspect.iscode(constant):
            names |= _names(constant)
    return names


def _cell_value(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a closure variable that is not set yet
        return "(unset)"
