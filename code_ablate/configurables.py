"""What can be set, from the dataclasses themselves: names, types, defaults, units and meanings.

    print(overview())             # every class and recipe
    print(one("Setting"))         # its fields
    print(markdown(), end="")     # docs/configuration.md
    print(resolved(study, hardware, paths))

The meaning of a field is the docstring under it; that of a recipe's parameter is what the recipe's
docstring says behind its name in backquotes.
"""

import ast
import dataclasses
import inspect
import re
import textwrap
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from code_ablate import checked, config
from code_ablate.errors import unknown_name
from code_ablate.study.graph import Study

_UNITS = (
    ("bytes", "bytes"),
    ("gib", "GiB"),
    ("seconds", "seconds"),
    ("flops", "FLOP/s"),
    ("steps", "steps"),
    ("windows", "windows"),
    ("tokens", "tokens"),
    ("epochs", "epochs"),
    ("seq_len", "tokens"),
)
"""Part of a field's name, and the unit of a number that has it."""

_INTRODUCTION = """\
# Configuration

Everything that gin can set. `code-ablate config NAME` prints one of these tables, and
`code-ablate config --markdown` writes this page from the dataclasses themselves.

A binding stands in a gin file (`Setting.tokens = 400_000`) or on the command line
(`--gin.Setting.tokens=400000`). A later one wins: the scale comes first, then the study, then each
`--gin_file`, then the bindings of the command line. `code-ablate plan STUDY --show-config` prints
what came of it.

A study (`gin/studies/`) says what is compared, a scale (`gin/scales/`) how large it is. A file of
your own may include both. A study that binds `Setting.model`, usually by including a scale, takes
no `--scale`.

## Two of one kind: scoped bindings

A class or recipe can be used several times with different values. A name of your choice in front of
it, a *scope*, tells the uses apart: `@first/Schedule()` is a Schedule with the values bound under
`first/Schedule`, and with those bound under plain `Schedule` where the scope has none.

```
Schedule.final = 4e-4                  # for both
first/Schedule.peak = 4e-3
then/Schedule.peak = 2e-3
Setting.schedule = @first/Schedule()   # with (): an instance
Setting.continuation = @then/Schedule()

quarter/proportion.share = 0.25
Study.recipes = (@base_only, @quarter/proportion)   # without (): the function
```

A binding without a scope, on the command line or in a later file, does not reach scopes that have a
value of their own. A note says which.
"""


@dataclass(frozen=True)
class Field:
    """One thing that can be bound."""

    name: str
    """Name in gin, behind the class and a dot."""
    type: str
    """Type, as it stands in the source."""
    allowed: str
    """Bounds or choices of the value; empty where the type says it all."""
    default: str
    """Default, as Python writes it; "required" where there is none."""
    unit: str
    """Unit of the value; empty where it has none."""
    meaning: str
    """Documentation of the field, on one line."""


@dataclass(frozen=True)
class Entry:
    """A class or function that gin can bind."""

    name: str
    """Name in gin."""
    meaning: str
    """First line of its documentation."""
    fields: tuple[Field, ...]
    """What can be bound, in order. A recipe's setting is not among them: the study gives it."""


def entries() -> dict[str, Entry]:
    """Everything of this project's own that gin can bind, by name."""
    return {thing.__name__: _entry(thing) for thing in config.CONFIGURABLES}


def _entry(thing: Any) -> Entry:
    meanings = _field_meanings(thing) if inspect.isclass(thing) else _parameter_meanings(thing)
    hidden = (
        {field.name for field in dataclasses.fields(thing) if not field.init}
        if (dataclasses.is_dataclass(thing))
        else {"setting"}
    )
    fields = []
    hints = checked.annotations(thing)
    for name, parameter in inspect.signature(thing).parameters.items():
        if name not in hidden:
            annotation = hints.get(name, parameter.annotation)
            type_name, allowed = _type_name(annotation), checked.allowed(annotation)
            meaning, default = meanings.get(name, ""), _default(thing, parameter)
            unit = _unit(name, type_name)
            fields.append(Field(name, type_name, allowed, default, unit, meaning))
    return Entry(thing.__name__, (inspect.getdoc(thing) or "").partition("\n")[0], tuple(fields))


def _field_meanings(cls: type) -> dict[str, str]:
    """The docstring under each field, from the source."""
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(node, ast.ClassDef)
    meanings = {}
    for field, below in zip(node.body, node.body[1:], strict=False):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            meanings[field.target.id] = " ".join(str(below.value.value).split())
    return meanings


def _parameter_meanings(function: Any) -> dict[str, str]:
    """'`share`: 0 to 1.' in the docstring, by the name in backquotes."""
    doc = " ".join((inspect.getdoc(function) or "").split())
    parts = re.split(r"`(\w+)`: ", doc)
    return {name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def _type_name(annotation: Any) -> str:
    if annotation is inspect.Parameter.empty:
        return ""
    if given := checked.find(annotation, checked.Given):
        return _type_name(given.annotation)
    parts = get_args(annotation)
    if get_origin(annotation) is Annotated:
        return _type_name(parts[0])
    if get_origin(annotation) in (Union, UnionType):
        return " | ".join(_type_name(part) for part in parts)
    if annotation in (None, type(None), Ellipsis):
        return "..." if annotation is Ellipsis else "None"
    if isinstance(annotation, list):  # the parameters of a Callable
        return f"[{', '.join(map(_type_name, annotation))}]"
    name = getattr(annotation, "__name__", str(annotation))
    return f"{name}[{', '.join(map(_type_name, parts))}]" if parts else name


def _default(thing: Any, parameter: inspect.Parameter) -> str:
    for field in dataclasses.fields(thing) if dataclasses.is_dataclass(thing) else ():
        if field.name == parameter.name and field.default_factory is not dataclasses.MISSING:
            return repr(field.default_factory())
    if parameter.default is inspect.Parameter.empty:
        return "required"
    return repr(parameter.default)


def _unit(name: str, type_name: str) -> str:
    if not re.search(r"\b(int|float)\b", type_name):
        return ""
    return next((unit for part, unit in _UNITS if part in name), "")


def overview() -> str:
    """A line per class and recipe."""
    lines = [f"{entry.name:<18}{entry.meaning}" for entry in entries().values()]
    return "\n".join([*lines, "", "code-ablate config NAME shows the fields of one."])


def one(name: str) -> str:
    """The fields of one class or recipe. Raises UserError for an unknown name."""
    known = entries()
    if name not in known:
        raise unknown_name("class or recipe", name, known)
    entry = known[name]
    lines = [f"{entry.name}: {entry.meaning}"]
    for field in entry.fields:
        notes = [note for note in (field.unit, field.allowed) if note]
        shown = f" [{'; '.join(notes)}]" if notes else ""
        lines.append(f"\n{entry.name}.{field.name}: {field.type} = {field.default}{shown}")
        lines += textwrap.wrap(field.meaning, 96, initial_indent="    ", subsequent_indent="    ")
    return "\n".join(lines)


def markdown() -> str:
    """docs/configuration.md."""
    parts = [_INTRODUCTION]
    for entry in entries().values():
        parts.append(f"\n## {entry.name}\n\n{entry.meaning}\n")
        if entry.fields:
            parts.append("\n| field | type | allowed | default | unit | meaning |\n")
            parts.append(f"{'|---' * 6}|\n")
        for field in entry.fields:
            code = [f"`{text}`" if text else "" for text in (field.name, field.type, field.default)]
            code.insert(2, field.allowed)
            cells = [cell.replace("|", "\\|") for cell in (*code, field.unit, field.meaning)]
            parts.append(f"| {' | '.join(cells)} |\n")
    return "".join(parts)


def resolved(*values: Any) -> str:
    """Dataclass instances with everything that they hold, one object a paragraph."""
    return "\n\n".join("\n\n".join(_paragraphs(type(value).__name__, value)) for value in values)


def _paragraphs(name: str, value: Any) -> list[str]:
    """The plain fields of an object in one paragraph; then those of the objects that it holds."""
    plain, inner = [], []
    for field in dataclasses.fields(value):
        held = getattr(value, field.name)
        items = held if isinstance(held, tuple) else (held,)
        if any(_is_object(item) for item in items):
            numbered = len(items) > 1
            for number, item in enumerate(items):
                where = f"{name}.{field.name}" + (f"[{number}]" if numbered else "")
                inner += _paragraphs(where, item)
        else:
            if not (isinstance(value, Study) and field.name == "recipes"):
                plain.append(f"{field.name} = {_text(held)}")
    if isinstance(value, Study):
        recipes = [
            textwrap.fill(f"{recipe}: {does}", 100, initial_indent="  ", subsequent_indent="      ")
            for recipe, does in value.recipe_descriptions.items()
        ]
        inner = ["\n".join([f"{name}.recipes", *recipes]), *inner]
    # A line breaks between fields, not around an equals sign.
    text = ", ".join(plain).replace(" = ", "\u00a0=\u00a0")
    body = textwrap.fill(text, 100, initial_indent="  ", subsequent_indent="  ")
    return [f"{name}\n{body}".replace("\u00a0", " "), *inner]


def _is_object(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and type(value).__str__ is object.__str__


def _text(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"({', '.join(map(_text, value))})"
    if callable(value) and hasattr(value, "__name__"):
        return f"@{value.__name__}"
    return str(value) if dataclasses.is_dataclass(value) else repr(value)
