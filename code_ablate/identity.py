"""Canonical JSON of plain values, and the hash that names them.

identity({"tokens": 1000, "seed": 0})   # '0f3c...', the same on every machine
differences(old, new)                   # ['schedule.peak: 0.001 -> 0.002']
"""

import dataclasses
import hashlib
import json
from typing import Any

IDENTITY_LENGTH = 16
"""Hex digits kept: 64 bits, so that a billion phases collide with a chance of about 3 %."""


def to_plain(value: Any) -> Any:
    """Dataclasses, tuples and mappings as dicts and lists that JSON can hold."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(k): to_plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(v) for v in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} has no place in a configuration: {value!r}")


def identity(value: Any) -> str:
    """A short hash of the canonical JSON (sorted keys, shortest floats) of `value`."""
    canonical = _without_integral_floats(to_plain(value))
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:IDENTITY_LENGTH]


def _without_integral_floats(value: Any) -> Any:
    """1.0 as 1: gin hands over what was typed, and both are equal in Python."""
    if isinstance(value, dict):
        return {key: _without_integral_floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_integral_floats(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def differences(old: Any, new: Any, path: str = "") -> list[str]:
    """Where two plain values differ, one line a leaf: 'path: old -> new'."""
    if isinstance(old, dict) and isinstance(new, dict):
        lines = []
        for key in sorted(old.keys() | new.keys()):
            where = f"{path}.{key}" if path else key
            lines += differences(old.get(key, "(absent)"), new.get(key, "(absent)"), where)
        return lines
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [
            line
            for i, (a, b) in enumerate(zip(old, new, strict=True))
            for line in differences(a, b, f"{path}[{i}]")
        ]
    return [] if old == new else [f"{path}: {old} -> {new}"]
