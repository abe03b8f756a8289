"""Every notebook runs to its end, on a small laboratory that is made here.

nbclient lies beside the packages of .venv: `make oracles`, and then as `make test` does.
"""

import importlib.util

import numpy as np
import pandas as pd
import pytest

from tests import small_laboratory
from tests.notebooks.test_notebooks import NAMES
from tests.small_laboratory import ROOT

for name in ("nbclient", "nbformat", "ipykernel"):
    pytest.importorskip(name, reason=f"{name} is not installed: make oracles")


@pytest.fixture(scope="module")
def execute():
    """The module of `make notebooks`, which lies outside of the package."""
    spec = importlib.util.spec_from_file_location("execute", ROOT / "notebooks" / "execute.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Runs, stores, a study, and a table of runs."""
    made = tmp_path_factory.mktemp("laboratory")
    small_laboratory.make(made)
    code = np.linspace(0, 1, 10)
    loss = 2 + (code - 0.3) ** 2 + np.random.default_rng(0).normal(0, 0.02, 10)
    table = pd.DataFrame({"text": 1 - code, "code": code, "loss/text": loss, "loss/code": loss})
    table.to_csv(made / "runs.csv", index=False)
    return made


VALUES = {
    "compare_recipes": {"STUDY": "runs/study-small"},
    "fit_mixture_law": {
        "TABLE": "runs.csv",
        "TARGETS": ["loss/*"],
        "CONSTRAINTS": ["code<=0.8"],
    },
    "inspect_corpus_and_mixture": {
        "CORPUS": "small.code",
        "MIXTURE": {"small.text": 0.75, "small.code": 0.25},
        "SEQ_LEN": 32,
    },
    "inspect_run": {"STUDY": "runs/study-small"},
}
"""What each notebook opens here, in the place of the demo's."""


def outputs(notebook):
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [out for cell in cells for out in cell.outputs]


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_to_its_end_and_shows_tables_and_pictures(execute, folder, name):
    notebook = execute.executed(ROOT / "notebooks" / f"{name}.ipynb", folder, VALUES[name])
    kinds = [kind for out in outputs(notebook) for kind in out.get("data", {})]
    assert "image/png" in kinds and "text/html" in kinds
    assert not [out for out in outputs(notebook) if out.output_type == "error"]


def test_what_it_shows_are_the_values_of_what_it_opens(execute, folder):
    path = ROOT / "notebooks" / "inspect_corpus_and_mixture.ipynb"
    notebook = execute.executed(path, folder, VALUES[path.stem])
    shown = "".join(out.get("data", {}).get("text/html", "") for out in outputs(notebook))
    assert "exact_duplicate" in shown and "small.text" in shown
    tagged = [c for c in notebook.cells if "documents" in c.metadata.get("tags", ())]
    assert tagged and all(cell.outputs for cell in tagged)
    kept = execute.kept(notebook)
    assert not [c for c in kept.cells if "documents" in c.metadata.get("tags", ()) and c.outputs]


def test_a_name_that_the_first_cell_does_not_give_is_refused(execute, folder):
    with pytest.raises(ValueError, match="the first cell gives no STAGES"):
        execute.executed(ROOT / "notebooks" / "compare_recipes.ipynb", folder, {"STAGES": "x"})
