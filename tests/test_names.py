"""Names that users give, and where they are looked at."""

import dataclasses
from pathlib import Path

import pytest

from code_ablate.data.mixing import Mixture
from code_ablate.data.sources.files import Files
from code_ablate.data.vocabulary import VocabularyConfig
from code_ablate.errors import UserError
from code_ablate.evaluation import kinds
from code_ablate.evaluation.declarations import TaskInfo
from code_ablate.evaluation.sets.source import EvaluationSet
from code_ablate.evaluation.suite_config import SuiteConfig
from code_ablate.jobs.workspace import Paths
from code_ablate.names import file_part, require_label, require_name, require_path
from code_ablate.study.setting import Recipe

EVERYWHERE_WRONG = ["", " ", "a\nb", "a\x00b", "\u202eab", " a", "a ", "x" * 300, None, 3]


@pytest.mark.parametrize(
    "name", ["demo", "initialization@paper_470m", "demo.text", "a:b+c-d", "_x", "4", "v1.2", "a..b"]
)
def test_plain_names_are_names(name):
    require_name("Study.name", name)
    require_label("Side.name", name)


@pytest.mark.parametrize(
    "name",
    [*EVERYWHERE_WRONG, "x/../../../y", "../../x", "/x", "..", ".", ".x", "-x", "x.", "a b", "a$b",
     "~", "a*", "é", "a\\b", "x" * 101],
)  # fmt: skip
def test_what_would_lead_elsewhere_is_no_name(name):
    with pytest.raises(UserError, match=r"Study\.name is .*use 1 to 100 letters") as refused:
        require_name("Study.name", name)
    assert len(str(refused.value)) < 250 and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "path",
    [
        "a\x00b",
        "data/a\n",
        "a\tb/c",
        "a\x1b[2J",
        "\x7f",
        "",
        3,
        b"a",
        "a/" + "é" * 128 + "/b",
        "a/\ud800",
    ],
)
def test_what_no_file_can_be_called_is_no_path(path):
    for build in (
        lambda: require_path("a path", path),
        lambda: Paths(data=path),
        lambda: Paths(runs=path),
        lambda: Files([path]),
        lambda: Files(["data/*.jsonl", path]),
        lambda: EvaluationSet("mine", file=path, fields=("question",)),
        lambda: EvaluationSet("arc_easy", examples=path),
        lambda: VocabularyConfig(f"{path}.model" if isinstance(path, str) and path else path),
    ):
        with pytest.raises(UserError) as refused:
            build()
        assert str(refused.value).isprintable() and len(str(refused.value)) < 250


@pytest.mark.parametrize("path", ["a b/[c]*", "/x/../é", "gs://bucket/a", "x" * 255, Path("a/b")])
def test_odd_paths_are_paths(path):
    require_path("a path", path)


@pytest.mark.parametrize("name", ["code and markup", "é", "50 % code", "a$b$", "<b>", "web/text"])
def test_what_is_only_shown_may_be_any_text(name):
    require_label("Side.name", name)


@pytest.mark.parametrize("name", EVERYWHERE_WRONG)
def test_what_cannot_be_shown_in_a_line_is_no_label(name):
    with pytest.raises(UserError, match=r"Side\.name is .*printable"):
        require_label("Side.name", name)


@pytest.mark.parametrize("name", ["x/../../../y", "../../x", "/x", "x" * 300, "a\x07b", "x.", "x "])
@pytest.mark.parametrize(
    ("field", "make"),
    [
        ("Phase.name", lambda phase, name: dataclasses.replace(phase, name=name)),
        ("SuiteConfig.tasks", lambda _, name: SuiteConfig(tasks=("ok", name))),
        ("SuiteConfig.domains", lambda _, name: SuiteConfig(domains=(name,))),
        ("VocabularyConfig.name", lambda _, name: VocabularyConfig(name)),
        ("name of a corpus", lambda _, name: Mixture.of({name: 1.0})),
    ],
)
def test_what_names_files_is_checked_where_it_is_given(phase, field, make, name):
    with pytest.raises(UserError, match=field):
        make(phase, name)


@pytest.mark.parametrize("name", ["", "x" * 300, "a\x07b", "a\nb", "x "])
@pytest.mark.parametrize(
    ("what", "make"),
    [
        ("name of a recipe", lambda phase, name: Recipe(name, {"end": phase})),
        ("name of a stage", lambda phase, name: Recipe("r", {name: phase})),
        ("category", lambda _, name: TaskInfo(name, kinds.ranked.KIND)),
    ],
)
def test_what_is_shown_is_checked_where_it_is_given(phase, what, make, name):
    with pytest.raises(UserError, match=what):
        make(phase, name)


@pytest.mark.parametrize(
    ("label", "part"),
    [
        ("balanced_to_text", "balanced_to_text"),
        ("50 % code & markup", "50_code_markup"),
        ("1.07M", "1.07M"),
        ("../../x", "_.._x"),
        ("-x.", "x"),
        ("é", "_"),
        ("...", "_"),
        ("x" * 300, "x" * 40),
    ],
)
def test_a_label_becomes_a_part_of_a_name(label, part):
    assert file_part(label) == part
    require_name("a run", file_part(label))
