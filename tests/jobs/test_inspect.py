"""What the filters of a corpus dropped, and its card, from the command line."""

import json
from types import SimpleNamespace

import pytest
import seqio

from code_ablate import cli
from code_ablate.data import filters
from code_ablate.data.preparing.prepare import make_stores
from code_ablate.data.sources import documents
from code_ablate.data.sources.files import Files
from code_ablate.errors import UserError
from code_ablate.jobs.inspect import inspect_cards, inspect_dropped
from tests.data.preparing.conftest import vocabularies, vocabulary  # noqa: F401
from tests.data.preparing.corpora import HERE

NAME = "inspected.corpus"


@pytest.fixture
def study_and_workspace(tmp_path, vocabulary):  # noqa: F811
    rows = [{"text": "x" * 99 + " end"}, *({"text": f"a good text {i}"} for i in range(50))]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    seqio.TaskRegistry.add(
        NAME,
        source=Files(str(tmp_path / "a.jsonl")),
        preprocessors=[filters.LongestLine(50), *documents.TOKENIZE],
        output_features=documents.FEATURES,
    )

    def stores(corpora, vocabulary, config):
        return make_stores(corpora, vocabulary, tmp_path / "data", config, progress=False)

    workspace = SimpleNamespace(vocabulary=lambda config: vocabulary, stores=stores)
    study = SimpleNamespace(vocabulary=None, prepare=HERE, corpora=())
    yield study, workspace
    seqio.TaskRegistry.remove(NAME)


@pytest.fixture
def parts(study_and_workspace):
    return lambda filter_name: "\n".join(inspect_dropped(NAME, *study_and_workspace, filter_name))


def test_a_card_of_a_corpus(study_and_workspace):
    (card,) = inspect_cards(NAME, *study_and_workspace)
    assert f"### {NAME}\n" in card and "`longest_line_over_50` 1 (0.00 MB)" in card
    assert "| source | 51 documents" in card


def test_a_card_needs_a_source_that_can_be_asked(study_and_workspace):
    seqio.TaskRegistry.add(
        "inspected.lines",
        source=seqio.TextLineDataSource({"train": "lines.txt"}),
        preprocessors=[],
        output_features=documents.FEATURES,
    )
    try:
        with pytest.raises(UserError, match=r"inspected\.lines.*TextLineDataSource.*language"):
            list(inspect_cards("inspected.lines", *study_and_workspace))
    finally:
        seqio.TaskRegistry.remove("inspected.lines")


def test_examples_of_what_a_filter_dropped_and_kept(parts):
    assert parts("").startswith(f"{NAME}\nafter ")
    for shown in (parts(""), parts("longest_line")):
        assert "judged 51 documents" in shown and "dropped 1 (1.96%)" in shown
        assert "* 103: " in shown and "x" * 99 in shown and "a good text" in shown
    with pytest.raises(UserError, match="did you mean 'longest_line'"):
        parts("longest_lines")


@pytest.mark.parametrize(
    ("arguments", "dropped"),
    [([], None), (["--dropped"], ""), (["--dropped", "longest_line"], "longest_line")],
)
def test_the_option_takes_a_filter_or_none(arguments, dropped):
    options = cli._parser().parse_args(["inspect", "demo.text", *arguments])
    assert options.dropped == dropped and not options.card
