"""Text with code in it."""

import json

import pytest

from code_ablate.data.filters import Document
from code_ablate.data.filters.code_blocks import CodeBlocks, NoCodeBlocks
from code_ablate.data.sources.code_text import code_blocks, example_docstrings, notebook_text


@pytest.mark.parametrize(
    "text, blocks",
    [
        ("Only words, and `code` in them.\n", 0),
        ("```python\nx = 1\n```\n", 1),
        ("~~~\nx\n~~~\ntext\n```\ny\n```\n", 2),
        ("As in::\n\n    x = 1\n", 1),
        ("Time: 12::30\n", 0),
        (">>> x\n1\n", 1),
        (".. code-block:: python\n\n   x = 1\n", 1),
        ("", 0),
    ],
)
def test_blocks_are_counted(text, blocks):
    assert code_blocks(text) == blocks
    assert (CodeBlocks().drop(Document(text)) is None) == (blocks > 0)
    assert (NoCodeBlocks().drop(Document(text)) is None) == (blocks == 0)


def test_a_notebook_without_its_outputs():
    cells = [
        {"cell_type": "markdown", "source": "# Bees"},
        {"cell_type": "code", "source": ["x = 1\n", "x"], "outputs": [{"text": ["1"]}]},
        {"cell_type": "code", "source": []},
    ]
    assert notebook_text(json.dumps({"cells": cells})) == "# Bees\n\n```python\nx = 1\nx\n```\n"
    assert notebook_text(json.dumps({"cells": []})) == ""
    for broken in ("{", "[]", "{}", '{"cells": [{"source": "x"}]}', '{"cells": 3}'):
        assert notebook_text(broken) is None


def test_docstrings_with_examples_in_the_order_of_the_module():
    module = (
        'class Hive:\n    """A hive.\n\n    >>> Hive()\n    """\n'
        '    def open(self):\n        """Opens it."""\n'
        'def wax():\n    """Wax.\n\n    >>> wax()\n    1\n    """\n'
    )
    assert (
        example_docstrings(module)
        == "Hive\n\nA hive.\n\n>>> Hive()\n\nwax\n\nWax.\n\n>>> wax()\n1\n"
    )
    assert example_docstrings("def f(:") == ""


def test_docstrings_of_installed_modules():
    from code_ablate.data.sources.docstrings import ExampleDocstrings

    source = ExampleDocstrings(("numpy",), max_bytes=2_000_000)
    found = list(source.documents())
    assert 5 < len(found) < len(source.units())
    assert all(">>> " in document["text"] for document in found)
    assert {document["source"] for document in found} == {"numpy"}
