"""docs/studies.md: what it shows is planned as it stands there, and one study of it is trained."""

import functools
import json
import re
import shlex
from pathlib import Path

import pytest

from code_ablate import config
from code_ablate.cli import main
from code_ablate.data.store import Stores
from code_ablate.study.hardware import Hardware
from code_ablate.study.plan import make_plan

ROOT = Path(__file__).resolve().parents[2]
DOC = (ROOT / "docs/studies.md").read_text()
FILES = dict(re.findall(r"In `([\w.]+)`:\n\n```(?:python)?\n(.*?)```", DOC, re.DOTALL))
COMMANDS = re.findall(r"^(code-ablate plan .*)$", DOC, re.MULTILINE)
OTHERS = ("README.md", "docs/scaling.md", *(f"gin/scales/{p.name}" for p in
          sorted((ROOT / "gin/scales").glob("*.gin"))))  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_page_has_its_examples():
    assert list(FILES) == [
        *("my_ablation.py", "order.gin", "textbooks.gin", "long_lines.gin", "shares.gin"),
        "everything.gin",
    ]
    assert {shlex.split(c)[2] for c in COMMANDS} == {*FILES, "initialization"} - {"my_ablation.py"}


def test_a_new_ablation_is_a_short_function_and_a_short_file():
    assert len(FILES["my_ablation.py"].splitlines()) <= 12
    assert len(FILES["order.gin"].splitlines()) <= 8


@pytest.mark.parametrize("command", COMMANDS)
def test_every_plan_of_the_page_is_made(command, folder, capsys):
    assert main(shlex.split(command)[1:]) == 0
    assert "distinct phases" in capsys.readouterr().out


def plans_named_elsewhere():
    for file in OTHERS:
        for command in re.findall(r"code-ablate (plan [^`#\n|]*)", (ROOT / file).read_text()):
            words = shlex.split(command)
            # Compiling for a pod and the noise of a study that has run are tested elsewhere.
            for option in {"--topology", "--noise"} & set(words):
                place = words.index(option)
                del words[place : place + 2]
            if words[1] in config.gin_files("studies"):
                yield tuple(words)


@pytest.mark.parametrize("words", sorted(set(plans_named_elsewhere())), ids=" ".join)
def test_every_plan_that_other_pages_name_is_made(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = [word for word in words if word != "--prompts"]  # reads rows of evaluation sets
    assert main(list(words)) == 0
    assert "distinct phases" in capsys.readouterr().out


def test_the_plans_say_what_the_examples_mean(folder):
    order = config.load_study("order.gin", "demo")
    shares = {(a.recipe, a.stage): p.chain for a, p in order.arms.items()}
    chain = shares["text_to_code", "pretraining"]
    assert [p.mixture.share_of(order.share_groups["code"]) for p in chain] == pytest.approx(
        [0, 0.6]
    )
    assert len(order.models) == 2
    filters = config.load_study("long_lines.gin", "demo")
    read = {arm.recipe: phase.chain[0].mixture.active for arm, phase in filters.arms.items()}
    assert read["long_lines"]["demo.web_code.long_lines"] == pytest.approx(0.4)
    assert "demo.web_code.long_lines" not in read["balanced_only"]
    recipes = list(config.load_study("shares.gin", "demo").recipe_descriptions)
    assert recipes == ["base_only", "code_25", "code_50", "code_75", "code_100"]
    everything = config.load_study("everything.gin", "demo")
    sizes = {size.partition(",")[0] for size in everything.models}
    assert len(everything.models) == 2 * (2 * 2 + 2) and len(sizes) == 2


ROWS = re.findall(r"^\| `(\w+)` \|.*?\| (\d+) \| (\d+) \| (\d+) \| ([\d,]+) \|$", DOC, re.MULTILINE)


@functools.cache
def planned(name, scale):
    study = config.load_study(name, scale)
    return make_plan(study, Stores({}), Hardware("v5e", 64, 0.45), "nowhere")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_table_of_studies_says_what_plans_say(row):
    name, *counts, hours = row
    scales = ("demo", "registry", "paper_470m")
    assert [len(planned(name, scale).phases) for scale in scales] == list(map(int, counts))
    seconds = sum(phase.seconds for phase in planned(name, "paper_470m").phases)
    assert f"{seconds / 3600 * 64:,.0f}" == hours


def test_the_table_has_every_study():
    files = (ROOT / "gin/studies").glob("*.gin")
    # A study with a scale of its own runs at no other.
    ours = {path.stem for path in files if "include 'scales/" not in path.read_text()}
    assert {row[0] for row in ROWS} == ours - {"demo"}


def test_the_notebook_runs(folder):
    (code,) = re.findall(r"For a notebook:\n\n```python\n(.*?)```", DOC, re.DOTALL)
    names: dict = {}
    exec(code, names)
    assert len(names["tokens"]) == 18 and names["most"] == 0.0  # nothing is prepared here


TINY = """\
include 'phases/setting.gin'
import example_data
Study.scale = 'tiny'
Study.seeds = (0,)
Setting.base_name = 'text'
Setting.source_name = 'code'
Setting.base = 'example.prose'
Setting.source = 'example.program'
Setting.tokens = 4_000
Setting.cooldown_tokens = 400
Setting.batch_windows = 4
Setting.seq_len = 32
first/Schedule.peak = 1e-2
first/Schedule.final = 1e-3
then/Schedule.peak = 5e-3
then/Schedule.final = 1e-3
SIZES = (@ModelConfig(), 40_000)
ModelConfig.d_model = 32
ModelConfig.layers = 1
ModelConfig.heads = 2
ModelConfig.head_dim = 16
ModelConfig.feed_forward = 32
ModelConfig.vocabulary_size = 320
VocabularyConfig.name = 'example'
VocabularyConfig.size = 320
VocabularyConfig.corpora = ('example.prose', 'example.program')
VocabularyConfig.sample_bytes = 100_000
VocabularyConfig.held_out = 0.2
PrepareConfig.validation_fraction = 0.2
PrepareConfig.workers = 1
SuiteConfig.domains = ('example.prose', 'example.program')
FleetConfig.members = 1
"""


@pytest.mark.slow
def test_the_new_ablation_is_trained_and_reported_at_two_sizes(folder):
    example = (ROOT / "tests/study/example_data.py").read_text()
    (folder / "example_data.py").write_text(example)
    (folder / "tiny.gin").write_text(TINY)
    prose = "The {i}. river goes on past {j} towns and does not look back at them. "
    program = "def f{i}(x):\n    return x + {j}\n\n"
    for name, text in (("prose", prose), ("program", program)):
        rows = [
            {"text": "".join(text.format(i=i, j=j) for j in range(20)), "language": "python"}
            for i in range(60)
        ]
        lines = [json.dumps(row) + "\n" for row in rows]
        (folder / f"{name}.jsonl").write_text("".join(lines))
    assert main(["study", "order.gin", "--scale", "tiny.gin"]) == 0
    results = json.loads((folder / "runs/study-order-tiny/study.json").read_text())
    arms = {tuple(arm["arm"].values()): arm for arm in results["arms"]}
    sizes = [size["name"] for size in results["sizes"]]
    assert len(sizes) == 2 and len(arms) == 2 * 2 * 2
    for size in results["sizes"]:
        for recipe in ("balanced_to_text", "text_to_code"):
            arm = arms[recipe, size["name"], 0, "pretraining"]
            assert arm["shares"]["code"] == pytest.approx(0.3, abs=0.01)
            assert arm["flops"] == pytest.approx(6 * size["parameters"] * arm["tokens"], rel=0.2)
    page = (folder / "runs/study-order-tiny/report.html").read_text()
    assert all(size in page for size in sizes)
    # One seed tells nothing, and it says so of both.
    assert f"No difference from balanced_to_text holds in any of the 2 settings ({sizes[0]}" in page
