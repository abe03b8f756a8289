"""Records of a problem: as data classes, named tuples, dictionaries or tuples.

crate = RecordType("Crate", "crate", "crates", fields, "dataclass")
crate.definition        # "@dataclass(frozen=True)\nclass Crate:\n    owner: str\n ..."
crate.make(("Ida", 12))
"""

import ast
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

DATACLASS, NAMED, DICTIONARY, TUPLE = "dataclass", "named tuple", "dictionary", "tuple"


@dataclass(frozen=True)
class Field:
    """A field of a record."""

    name: str
    """Name in Python."""
    type: str
    """'int' or 'str'."""
    noun: str
    """What it is called, in the singular."""
    plural: str
    """What it is called, in the plural."""
    low: int = 0
    """Least value, of a number."""
    high: int = 0
    """Greatest value, of a number."""
    values: tuple[str, ...] = ()
    """Values, of a text; empty for numbers."""


@dataclass(frozen=True)
class RecordType:
    """A kind of record."""

    name: str
    """Name of its class."""
    noun: str
    """What a record is called, in the singular."""
    plural: str
    """What records are called, in the plural."""
    fields: tuple[Field, ...]
    """Fields of a record, in order."""
    style: str
    """DATACLASS, NAMED, DICTIONARY or TUPLE."""

    @property
    def definition(self) -> str:
        """The class, for those styles that have one; else empty."""
        lines = [f"    {field.name}: {field.type}" for field in self.fields]
        if self.style == DATACLASS:
            return "\n".join(["@dataclass(frozen=True)", f"class {self.name}:", *lines])
        if self.style == NAMED:
            return "\n".join([f"class {self.name}(NamedTuple):", *lines])
        return ""

    @property
    def imports(self) -> str:
        """The line that the definition needs before it."""
        lines = {
            DATACLASS: "from dataclasses import dataclass",
            NAMED: "from typing import NamedTuple",
        }
        return lines.get(self.style, "")

    @property
    def annotation(self) -> str:
        """The type of one record, as Python writes it."""
        if self.style in (DATACLASS, NAMED):
            return self.name
        if self.style == DICTIONARY:
            return "dict"
        return f"tuple[{', '.join(field.type for field in self.fields)}]"

    def make(self, values: Sequence[Any]) -> Any:
        """A record with these values of its fields, in their order."""
        if self.style == TUPLE:
            return tuple(values)
        if self.style == DICTIONARY:
            return {field.name: value for field, value in zip(self.fields, values, strict=True)}
        return record_class(f"{self.imports}\n{self.definition}", self.name)(*values)

    def get(self, record: Any, field: Field) -> Any:
        """The value of a field."""
        if self.style == TUPLE:
            return record[self.fields.index(field)]
        return record[field.name] if self.style == DICTIONARY else getattr(record, field.name)

    def access(self, record: ast.expr, field: Field) -> ast.expr:
        """The tree that reads a field."""
        if self.style == TUPLE:
            return ast.Subscript(record, ast.Constant(self.fields.index(field)), ast.Load())
        if self.style == DICTIONARY:
            return ast.Subscript(record, ast.Constant(field.name), ast.Load())
        return ast.Attribute(record, field.name, ast.Load())


@functools.lru_cache(maxsize=4096)
def record_class(source: str, class_name: str) -> type:
    """The class that a source of our own defines: for equal sources the same object."""
    namespace: dict[str, Any] = {"__name__": "records"}
    exec(compile(source, "<record>", "exec"), namespace)
    return namespace[class_name]
