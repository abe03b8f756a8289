"""The notebooks as they are committed: short, small, executed, and of calls of the interface."""

import ast
import json
import re

import pytest

from tests.small_laboratory import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NAMES = ["compare_recipes", "fit_mixture_law", "inspect_corpus_and_mixture", "inspect_run"]
MOST_BYTES = 200_000
MOST_LINES = 40


def cells(path, kind="code"):
    content = json.loads(path.read_text())
    return [cell for cell in content["cells"] if cell["cell_type"] == kind]


def source(cell):
    return "".join(cell["source"])


def test_they_are_all_there():
    assert [path.stem for path in NOTEBOOKS] == NAMES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_each_is_short_and_its_cells_were_executed_in_order(path):
    assert path.stat().st_size < MOST_BYTES
    code = cells(path)
    assert sum(len(source(cell).splitlines()) for cell in code) <= MOST_LINES
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        assert not [out for out in cell["outputs"] if out["output_type"] == "error"]
        assert not [out for out in cell["outputs"] if out.get("name") == "stderr"]
    assert any("image/png" in out.get("data", {}) for cell in code for out in cell["outputs"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_nothing_of_the_machine_or_of_others_documents_is_kept(path):
    text = re.sub(r'"image/png": "[^"]*"', "", path.read_text())
    assert not re.search(r'[" (=](/|~/|[A-Z]:\\\\)[a-z]+/', text)
    for cell in cells(path):
        shows_text = ".texts(" in source(cell) or '"text"' in source(cell)
        assert shows_text == ("documents" in cell["metadata"].get("tags", ()))
        assert not (shows_text and cell["outputs"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_they_are_made_of_calls_of_the_interface(path):
    for cell in cells(path):
        for node in ast.walk(ast.parse(source(cell))):
            assert not isinstance(node, ast.ImportFrom | ast.FunctionDef | ast.For | ast.While)
            if isinstance(node, ast.Import):
                assert [alias.name for alias in node.names] == ["code_ablate"]
