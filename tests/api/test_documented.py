"""docs/api.md names every frame and column: who renames one changes the interface, and sees it."""

import inspect
import re

import pandas as pd
import pytest

import code_ablate
from code_ablate.api.corpora import OpenCorpus
from code_ablate.api.mixture_laws import MixtureLaw
from code_ablate.api.mixtures import OpenMixture
from code_ablate.api.runs import OpenRun
from code_ablate.api.studies import OpenStudy
from tests.small_laboratory import ROOT, SEQ_LEN

PAGE = (ROOT / "docs" / "api.md").read_text()
CLASSES = {
    "open_study": OpenStudy,
    "open_run": OpenRun,
    "open_corpus": OpenCorpus,
    "open_mixture": OpenMixture,
    "fit_law": MixtureLaw,
}


def section(opener):
    return re.search(rf"^## `{opener}\(.*?(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[0]


def rows(opener):
    """Name of each frame, with what its row says."""
    found = re.findall(r"^\| `(\w+)(?:\(.*?\))?` \|(.*)\|$", section(opener), re.MULTILINE)
    return {name: text for name, text in found if text.count("|") == 1}


@pytest.fixture(scope="module")
def opened(laboratory, tmp_path_factory):
    table = tmp_path_factory.mktemp("law") / "runs.csv"
    shares = [n / 9 for n in range(10)]
    text = pd.DataFrame({"a": shares, "b": [1 - s for s in shares], "loss": [s**2 for s in shares]})
    text.to_csv(table, index=False)
    run = code_ablate.open_run(laboratory.then.path)
    return {
        "open_study": code_ablate.open_study(laboratory.study),
        "open_run": run,
        "open_corpus": code_ablate.open_corpus("small.code", data=laboratory.data),
        "open_mixture": run.mixture(laboratory.data),
        "fit_law": code_ablate.fit_law(table, today={"a": 0.5, "b": 0.5}),
    }


def frame_of(thing, name):
    found = getattr(thing, name)
    if not callable(found):
        return found
    return found(seq_len=SEQ_LEN) if "seq_len" in inspect.signature(found).parameters else found()


@pytest.mark.parametrize("opener", CLASSES)
def test_every_column_is_in_the_row_of_its_frame(opened, opener):
    documented = rows(opener)
    assert documented
    for name, text in documented.items():
        said = set(re.findall(r"[\w/]+", text)) | {"GROUP", "CORPUS"}
        for column in frame_of(opened[opener], name).columns:
            known = {column, re.sub("/.*", "/CORPUS", column), re.sub("/.*", "/GROUP", column)}
            logged = name == "metrics" or (opener, name) in _SCORES
            assert known & said or logged or _of_another(opener, name, text), (name, column)


_SCORES = {("open_run", "items"), ("fit_law", "runs"), ("fit_law", "good_mixtures")}
"""Frames with columns that the user's own tables and tasks name."""


def _of_another(opener, name, text):
    return opener == "open_mixture" and name == "documents" and "OpenCorpus.documents" in text


@pytest.mark.parametrize("opener", CLASSES)
def test_what_is_documented_is_there_and_what_is_there_is_documented(opener):
    kind, text = CLASSES[opener], section(opener)
    public = {
        name
        for name, value in vars(kind).items()
        if not name.startswith("_") and (callable(value) or hasattr(value, "__get__"))
    }
    known = set(re.findall(r"`(\w+)(?:\(.*?\))?`", text))
    helpers = {"windows_at", "scored_tasks"}
    assert public - helpers - known == set()
    for name in rows(opener):
        assert name in public, name


def test_signatures_are_those_of_the_page():
    for opener in CLASSES:
        asked = re.search(rf"^## `{opener}\((.*?)\) ->", PAGE, re.MULTILINE)[1]
        for part in asked.split(", "):
            name = part.partition("=")[0].strip("*")
            if name not in ("", "...", "options"):
                assert name in inspect.signature(getattr(code_ablate, opener)).parameters
    options = set(re.findall(r"`(\w+)=", section("fit_law")))
    asked = inspect.signature(code_ablate.fit_law).parameters
    assert options == set(asked) - {"table", "constraints"}


@pytest.mark.parametrize("opener", CLASSES)
def test_what_is_opened_shows_itself_in_words(opened, opener):
    shown = repr(opened[opener])
    assert str(opened[opener]) == shown and len(shown) < 3000
    assert (
        "object at 0x" not in shown
        and "DataFrame" not in shown
        and CLASSES[opener].__name__ not in shown
    )
