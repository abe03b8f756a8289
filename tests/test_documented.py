"""Each public field of a value says what it is; ruff sees to modules, classes and functions."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "code_ablate"


def texts(source: str) -> Iterator[tuple[str, str]]:
    """Public fields of the public dataclasses in a module, and the text under each, if any."""
    for cls in ast.walk(ast.parse(source)):
        is_public = isinstance(cls, ast.ClassDef) and not cls.name.startswith("_")
        if is_public and any("dataclass" in ast.dump(mark) for mark in cls.decorator_list):
            for node, below in zip(cls.body, [*cls.body[1:], None], strict=True):
                named = isinstance(node, ast.AnnAssign) and "ClassVar" not in ast.dump(node)
                if named and not node.target.id.startswith("_"):
                    constant = below.value if isinstance(below, ast.Expr) else None
                    text = constant.value if isinstance(constant, ast.Constant) else ""
                    yield f"{cls.name}.{node.target.id}", str(text)


def test_public_fields_of_dataclasses_are_documented():
    found = {
        f"{file.relative_to(PACKAGE)}: {field}": text
        for file in sorted(PACKAGE.rglob("*.py"))
        for field, text in texts(file.read_text(encoding="utf-8"))
    }
    assert len(found) > 1000
    without = [field for field, text in found.items() if not text]
    assert without == [], "write under each what it is, its unit, and what None means"
    of = [field for field, text in found.items() if text.startswith("Of ")]
    assert of == [], "begin with the noun: it is read without the class around it"


def test_what_is_not_documented_is_found():
    source = '@dataclass\nclass A:\n    a: int\n    b: int = 0\n    """Of b."""\n    _c: int\n'
    assert list(texts(source)) == [("A.a", ""), ("A.b", "Of b.")]
