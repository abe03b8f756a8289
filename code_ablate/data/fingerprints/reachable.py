"""Everything that a function or object can reach, as text: equal for equals, in every process.

    Reached().describe(preprocessor)     # 'keep def keep(dataset): ... BLOCKED=["rude", ...]'

Followed by content are: arguments of partials, closures, defaults, attributes, methods and base
classes; globals of any type, and whatever of other modules of the user's own is named; files whose
path stands in a string; the gin bindings of everything that gin can bind. The text of a function
stands without comments, docstrings and layout. Of installed distributions the name and the version
stand, of the standard library the name.

Where a result may depend on what cannot be followed (eval, the environment, objects that cannot be
pickled), `Unfollowable` is raised, unless the object has a `version` by which its author vouches
for it.
"""

import collections
import enum
import functools
import hashlib
import importlib
import importlib.util
import inspect
import logging
import os
import re
import struct
import sys
import threading
import types
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

import numpy as np

import gin
from code_ablate.data.fingerprints.bound_values import bindings_of
from code_ablate.data.fingerprints.generators import GENERATORS, first_state
from code_ablate.data.fingerprints.hidden_inputs import require_lasting, require_visible
from code_ablate.data.fingerprints.installed import (
    installed_name,
    is_installed,
    is_installed_file,
    is_ours,
    version_of,
)
from code_ablate.data.fingerprints.named_files import named_files
from code_ablate.data.fingerprints.source_text import (
    Unfollowable,
    imports_in,
    module_digest,
    names_in,
    source_text,
    texts_in,
)
from code_ablate.data.sources.content_digests import content_digests

_ATOMS = (bool, int, float, complex, bytes, type(None), type(Ellipsis))
_INERT = (logging.Logger, type(threading.Lock()), type(threading.RLock()), threading.local)
"""Types whose state changes no result."""
_DEPTH = 100
"""Values within values; Python's own limit is near."""
_ROOT = str(Path(__file__).resolve().parents[3])
"""Folder that holds this project."""

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")

_MACHINERY = {
    "__module__", "__qualname__", "__dict__", "__weakref__", "__doc__", "__annotations__",
    "__slots__", "__dataclass_fields__", "__dataclass_params__", "__match_args__",
    "__abstractmethods__",
    "__parameters__", "__orig_bases__", "__static_attributes__", "__firstlineno__", "_abc_impl",
}  # fmt: skip
"""Attributes of a class that its source text makes, or that change while it is used."""


class Reached:
    """Writes an object, and then each function and class that it reaches, once."""

    def __init__(self, *, follow_ours: bool = True):
        """`follow_ours`: whether this project's own code is followed, or named as if installed."""
        self._follow_ours = follow_ours
        self.strings: set[str] = set()
        """Texts and paths that were met, those in the code of the user's own functions too."""
        self.names: set[str] = set()
        """Names that those functions refer to."""
        self._seen: dict[int, int] = {}
        self._alive: list[Any] = []  # ids stay unique only while their objects live
        self._waiting: collections.deque[types.FunctionType | type] = collections.deque()
        self._modules: set[tuple[str, tuple[str, ...]]] = set()
        self._depth = 0

    def describe(self, thing: Any) -> str:
        """The text of `thing` and of all that it reaches. Raises Unfollowable."""
        text = self._described(thing)
        files = named_files(self.strings)
        digests = zip(files, content_digests(files), strict=True)
        return "\n".join([text, *(f"{placed(file)} {digest}" for file, digest in digests)])

    def _described(self, thing: Any) -> str:
        texts = [self._text(thing)]
        while self._waiting:  # one after the other: chains of calls may be long
            code = self._waiting.popleft()
            text = self._class(code) if isinstance(code, type) else self._function(code)
            texts.append(f"{self._seen[id(code)]}: {text}")
        return "\n".join(texts)

    def _text(self, thing: Any) -> str:
        if type(thing) in _ATOMS:
            return repr(thing)
        if type(thing) is str:
            self.strings.add(thing)
            return repr(placed(thing))
        if id(thing) in self._seen:
            return f"<{self._seen[id(thing)]}>"
        if self._depth > _DEPTH:
            raise Unfollowable(f"{_label(thing)} is nested more than {_DEPTH} deep")
        if not isinstance(thing, tuple | frozenset):  # equal constants may or may not be one object
            self._seen[id(thing)] = len(self._seen)
            self._alive.append(thing)
        self._depth += 1
        try:
            return self._compound(thing)
        finally:
            self._depth -= 1

    def _all(self, things: Iterable[Any]) -> str:
        return "[" + ", ".join(self._text(thing) for thing in things) + "]"

    def _compound(self, thing: Any) -> str:
        if isinstance(thing, types.ModuleType):
            return self._module(thing, ())
        version = _version_by_author(thing)
        if version is not None:
            return f"{_label(thing)} version {version!r} {self._vouched(thing)}"
        if isinstance(thing, types.FunctionType | type):
            return self._code(thing)
        if isinstance(thing, functools.partial):
            return "partial" + self._all((thing.func, thing.args, _by_name(thing.keywords)))
        if isinstance(thing, types.MethodType):
            return "method" + self._all((thing.__func__, thing.__self__))
        if isinstance(thing, types.BuiltinFunctionType | types.MethodWrapperType):
            return self._builtin(thing)
        wrapped = getattr(thing, "__wrapped__", None) or getattr(thing, "python_function", None)
        if callable(wrapped):  # functools.cache, jax.jit, tf.function
            return f"{type(thing).__qualname__} of {self._text(wrapped)}"
        return self._value(thing) or self._instance(thing)

    def _code(self, thing: types.FunctionType | type) -> str:
        """A function or class: an installed one by name, others by number, and later by content."""
        followed = self._follow_ours or not is_ours(thing.__module__)
        if followed and not is_installed(thing.__module__ or ""):
            self._waiting.append(thing)
            return f"<{self._seen[id(thing)]}>"
        name = installed_name(thing.__module__, thing.__qualname__) + self._bindings(thing)
        cells = () if isinstance(thing, type) else thing.__closure__ or ()
        if cells and " gin" not in name:  # what a function of a library was made with
            name += self._all(map(_cell_value, cells))
        return name

    def _value(self, thing: Any) -> str:
        """The text of a value that holds others, or of a plain one; '' for all else."""
        if type(thing) in (dict, types.MappingProxyType):
            return self._mapping(thing) + self._order(thing)
        if isinstance(thing, collections.Counter):
            return self._mapping(thing)
        if type(thing) in (list, tuple):
            return self._all(thing)
        if type(thing) in (set, frozenset):
            return "set[" + ", ".join(sorted(map(self._alone, thing))) + "]"
        if isinstance(thing, np.ndarray | np.generic):
            values = np.asarray(thing)
            if isinstance(thing, np.ma.MaskedArray):
                return f"masked {self._text(values)} {self._text(np.asarray(thing.mask))}"
            content = self._text(values.tolist()) if values.dtype == object else _digest(values)
            return f"array {values.dtype} {values.shape} {content}"
        if isinstance(thing, enum.Enum):
            return f"{self._text(type(thing))}.{thing.name}"
        if isinstance(thing, PurePath):
            return f"{type(thing).__name__}({self._text(str(thing))})"
        if isinstance(thing, re.Pattern):
            return repr((thing.pattern, thing.flags))
        if isinstance(thing, struct.Struct):
            return f"Struct({thing.format!r})"
        return ""

    def _mapping(self, mapping: Mapping[Any, Any]) -> str:
        """What a mapping holds, whatever the order in which it was filled."""
        by_key = {self._alone(key): mapping[key] for key in mapping}
        parts = (f"{key}: {self._text(by_key[key])}" for key in sorted(by_key))
        return "{" + ", ".join(parts) + "}"

    def _order(self, mapping: Mapping[Any, Any]) -> str:
        """The order of a mapping's keys, where it is another than that of their texts: of rules in
        a dict the first one that matches may decide."""
        keys = [self._alone(key) for key in mapping]
        order = [sorted(keys).index(key) for key in keys]
        return "" if order == sorted(order) else f" in the order {order}"

    def _alone(self, thing: Any) -> str:
        """The text of what has no order of its own: it must not depend on what came before."""
        other = Reached(follow_ours=self._follow_ours)
        other.strings, other.names = self.strings, self.names
        return other._described(thing)

    def _vouched(self, thing: Any) -> str:
        """The arguments of something whose author vouches for the rest."""
        if isinstance(thing, types.FunctionType):
            cells = map(_cell_value, thing.__closure__ or ())
            held = [*cells, thing.__defaults__, thing.__kwdefaults__]
        else:
            held = list(_state(thing).items())
        texts = []
        for value in held:
            try:
                texts.append(self._alone(value))
            except Unfollowable:
                texts.append("(vouched for)")
        return str(texts)

    def _function(self, function: types.FunctionType) -> str:
        bound, written_in = self._bindings(function), _written_in(function)
        if written_in == gin.config.__name__:  # around what is the user's; its own state is gin's
            return self._text(inspect.unwrap(function)) + bound
        parts: list[Any] = [[_cell_value(cell) for cell in function.__closure__ or ()]]
        parts += [function.__defaults__, _by_name(function.__kwdefaults__)]
        if vars(function):  # attributes of a function, __wrapped__ among them
            parts.append(_by_name(vars(function)))
        if is_installed(written_in):  # a decorator's, with the module of what it decorates
            return f"{installed_name(written_in, function.__code__.co_name)} {self._text(parts)}"
        text, held = source_text(function), self._text(parts)
        return f"{function.__qualname__}{bound} {text} {held} {self._globals(function)}"

    def _bindings(self, thing: Any) -> str:
        """gin's bindings of a function or class that gin can bind, in all scopes; else ''."""
        bound = bindings_of(thing)
        return "" if bound is None else f" gin {self._text(bound)}"

    def _globals(self, function: types.FunctionType) -> str:
        """What a function refers to in its module, of any type, and in the modules it imports."""
        code, scope = function.__code__, function.__globals__
        names, ours = names_in(code), is_ours(function.__module__)
        in_modules = names
        if not ours:
            require_visible(function)
            in_modules = names | {text for text in texts_in(code) if text.isidentifier()}  # getattr
        parts = []
        for name in sorted(names & scope.keys()):
            if name.startswith("__") and name.endswith("__"):  # __file__, __name__: where it lies
                continue
            value = scope[name]
            is_module = isinstance(value, types.ModuleType)
            if not ours and not isinstance(value, types.ModuleType | types.FunctionType | type):
                require_lasting(function, name)
            text = self._module(value, in_modules) if is_module else self._text(value)
            parts.append(f"{name}={text}")
        for level, module in sorted(imports_in(code)):
            name = "." * level + module
            parts.append(
                f"import {name}={self._imported(name, scope.get('__package__'), in_modules)}"
            )
        if not ours:
            self.strings |= texts_in(code)
            self.names |= names
        return "; ".join(parts)

    def _imported(self, name: str, package: str | None, names: Iterable[str]) -> str:
        """A module that is imported within a function."""
        try:
            name = importlib.util.resolve_name(name, package)
            spec = None if name in sys.modules else importlib.util.find_spec(name)
            if spec is not None and spec.origin and is_installed_file(spec.origin):
                return version_of(name)  # not imported for this: it may be large
            return self._module(importlib.import_module(name), names)
        except ImportError:
            return f"{name} (not there)"

    def _module(self, module: types.ModuleType, names: Iterable[str]) -> str:
        """A module of the user's own by what is named of it; by its text if nothing is."""
        name = module.__name__
        if is_installed(name):
            return name if name.partition(".")[0] in sys.stdlib_module_names else version_of(name)
        used = tuple(sorted(n for n in set(names) & vars(module).keys() if not n.startswith("__")))
        if (name, used) in self._modules:
            return name
        self._modules.add((name, used))
        if not used:
            return f"{name} {module_digest(module)}"
        parts = []
        for attribute in used:
            value = vars(module)[attribute]
            is_module = isinstance(value, types.ModuleType)
            text = self._module(value, names) if is_module else self._text(value)
            parts.append(f"{attribute}={text}")
        return f"{name}({'; '.join(parts)})"

    def _class(self, cls: type) -> str:
        name = f"{cls.__module__}.{cls.__qualname__}"
        parts = [name + self._bindings(cls), source_text(cls)]
        for attribute, value in sorted(vars(cls).items()):
            if attribute not in _MACHINERY:
                parts.append(f"{attribute}={self._attribute(value)}")
        parts += [self._text(base) for base in cls.__bases__ if base is not object]
        if not is_installed(type(cls).__module__):  # a metaclass of the user's own
            parts.append(self._text(type(cls)))
        return " ".join(parts)

    def _attribute(self, value: Any) -> str:
        """An attribute of a class; of a method, whose text stands in the class, what it reaches."""
        if isinstance(value, property):
            return self._all(part for part in (value.fget, value.fset) if part is not None)
        function = getattr(value, "__func__", None) or getattr(value, "func", None) or value
        if isinstance(function, types.FunctionType):
            made_by_dataclass = function.__code__.co_filename == "<string>"
            return "" if made_by_dataclass else self._text(function)
        if isinstance(value, types.MemberDescriptorType | types.GetSetDescriptorType):
            return ""
        return self._text(value)

    def _builtin(self, thing: Any) -> str:
        owner = getattr(thing, "__self__", None)
        name = getattr(thing, "__qualname__", repr(thing))
        if owner is None or isinstance(owner, types.ModuleType):
            return installed_name(getattr(thing, "__module__", None) or "builtins", name)
        return f"{name} of {self._text(owner)}"  # BLOCKED.__contains__

    def _instance(self, thing: Any) -> str:
        if isinstance(thing, _INERT):
            return type(thing).__qualname__
        kind = self._text(type(thing))
        if isinstance(thing, GENERATORS):
            return f"{kind} {first_state(thing)}"
        if hasattr(thing, "vocab_size") and hasattr(thing, "encode_tf"):
            # A SeqIO vocabulary loads itself lazily: its attributes change when it is used.
            return f"{kind} {thing.vocab_size} {_ADDRESS.sub('', str(thing))}"
        if not is_installed(type(thing).__module__):
            return f"{kind} {self._text(_by_name(_state(thing)))}{self._items(thing)}"
        try:
            reduced = thing.__reduce_ex__(4)
        except Exception as error:
            raise Unfollowable(f"what {_label(thing)} holds cannot be seen ({error})") from None
        if isinstance(reduced, str):  # the name of the only one of its kind
            return f"{kind} {reduced}"
        made, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
        parts = [arguments, _by_name(state), list(items or ()), dict(pairs or ())]
        return f"{kind} {self._text(made)} {self._all(parts)}"

    def _items(self, thing: Any) -> str:
        """What an instance of a subclass of a built-in type holds beside its attributes."""
        bases: tuple[Any, ...] = (dict, list, tuple, set, frozenset, str, bytes, int, float)
        for base in bases:
            if isinstance(thing, base):
                return " " + self._text(base(thing))
        return ""


def placed(text: str) -> str:
    """A path below this project or the current folder without what is above: clones are equal."""
    for name, folder in (("<code_ablate>", _ROOT), ("<here>", os.getcwd())):
        if text.startswith(folder + os.sep):
            return name + text[len(folder) :]
    return text


def _version_by_author(thing: Any) -> str | int | None:
    """The `version` by which the author of a preprocessor or metric vouches for it."""
    if not callable(thing) or isinstance(thing, type):
        return None
    installed = is_installed(type(thing).__module__ or "")
    held = getattr(thing, "__dict__", {}).get("version") if installed else None
    version = held if installed else getattr(thing, "version", None)
    return version if isinstance(version, str | int) else None


def _state(thing: Any) -> dict[str, Any]:
    """The attributes of an instance, those in slots too, without what a cached_property made."""
    state = dict(getattr(thing, "__dict__", {}))
    for cls in type(thing).__mro__:
        slots = vars(cls).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(thing, name) and name not in ("__dict__", "__weakref__"):
                state[name] = getattr(thing, name)
        for name, value in vars(cls).items():
            if isinstance(value, functools.cached_property):
                state.pop(name, None)
    return state


def _by_name(attributes: Any) -> Any:
    """Attributes or arguments in the order of their names, which tells nothing; else as it is."""
    if type(attributes) is dict and all(isinstance(name, str) for name in attributes):
        return dict(sorted(attributes.items()))
    return attributes


def _digest(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def _written_in(function: types.FunctionType) -> str:
    """The module whose code a function is: functools.wraps gives it the name of another."""
    return str(function.__globals__.get("__name__", ""))


def _cell_value(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a closure variable that is not set yet
        return "(unset)"


def _label(thing: Any) -> str:
    name = getattr(thing, "__qualname__", None) or type(thing).__qualname__
    return f"{getattr(thing, '__module__', None) or type(thing).__module__}.{name}"
