"""Text with code in it, taken from files: notebooks, docstrings with examples, documents with code.

notebook_text(content)           # Markdown, the code in fences
example_docstrings(module)       # "twice\\n\\nDoubles.\\n\\n>>> twice(2)\\n4\\n"
code_blocks("Use it:\\n\\n    >>> import bees\\n")                       # 1
"""

import ast
import json
import re
import warnings

EXAMPLES_VERSION = 1
"""To be raised when `example_docstrings` gives another text, so that stores are prepared anew."""

_CODE_BLOCK = re.compile(
    r"^[ \t]*(?:```|~~~)|::[ \t]*\n[ \t]*\n[ \t]+\S|^[ \t]*>>> |^[ \t]*\.\. code", re.MULTILINE
)
_INPUT_LINES = re.compile(r"^\s*>>> ", re.MULTILINE)


def parsed(text: str) -> ast.Module | None:
    """The syntax tree of Python; None for what does not parse: Python 2, templates, data."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the escapes in other people's strings
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def code_blocks(text: str) -> int:
    """Blocks of code, or lines of an interpreter's session, in Markdown or reStructuredText.

    A fence that opens a block and the one that closes it are counted as one.
    """
    found = [match[0].strip() for match in _CODE_BLOCK.finditer(text)]
    fences = sum(mark in ("```", "~~~") for mark in found)
    return len(found) - fences // 2


def notebook_text(content: str) -> str | None:
    """Markdown and code cells of a Jupyter notebook, the code in fences; outputs are left out.

    None for text that is no notebook.
    """
    try:
        cells = json.loads(content)["cells"]
        parts = [(cell["cell_type"], "".join(cell["source"]).strip()) for cell in cells]
    except (json.JSONDecodeError, KeyError, TypeError):
        return None
    written = [
        f"```python\n{source}\n```" if kind == "code" else source
        for kind, source in parts
        if source and kind in ("code", "markdown")
    ]
    return "\n\n".join(written) + "\n" if written else ""


def example_docstrings(module: str) -> str:
    """The docstrings of a Python module that have examples, in order, each under its name.

    Empty where there is none, or the text does not parse.
    """
    tree = parsed(module)
    if tree is None:
        return ""
    parts = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            docstring = ast.get_docstring(node) or ""
            if _INPUT_LINES.search(docstring):
                parts.append((node.lineno, f"{node.name}\n\n{docstring}\n"))
    return "\n".join(part for _, part in sorted(parts))
