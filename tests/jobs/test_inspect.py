"""What the filters of a corpus dropped, from the command line."""

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
from code_ablate.jobs.inspect import inspect_dropped
from tests.data.preparing.conftest import vocabularies, vocabulary  # noqa: F401
from tests.data.preparing.corpora import HERE

NAME = "inspected.corpus"


@pytest.fixture
def parts(tmp_path, vocabulary):  # noqa: F811
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
    yield lambda filter_name: "\n".join(inspect_dropped(NAME, study, workspace, filter_name))
    seqio.TaskRegistry.remove(NAME)


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
    assert options.dropped == dropped
