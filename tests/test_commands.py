"""Commands, as a user gives them, where TensorFlow and SeqIO are not installed."""

import json
import os
import re
import subprocess
import sys

import pytest

from code_ablate.data.preparing.prepare import PrepareConfig
from code_ablate.data.preparing.vocabulary_training import make_vocabulary
from code_ablate.data.vocabulary import VocabularyConfig
from tests.analysis.conftest import write_study
from tests.data.preparing.corpora import one, register, texts
from tests.test_imports import run

DATA_PACKAGES = ("seqio", "tensorflow", "tensorflow_text", "tensorflow_datasets", "t5")
VOCABULARY = VocabularyConfig(
    "mine", size=330, corpora=("light.corpus",), sample_bytes=9000, held_out=0.1
)
PREPARE = PrepareConfig(workers=1, validation_fraction=0.1)

SETTINGS = """
Paths.data = {data!r}
Paths.runs = {runs!r}
Hardware.chip = 'v5e'
VocabularyConfig.name = 'mine'
VocabularyConfig.size = 330
VocabularyConfig.corpora = ('light.corpus',)
VocabularyConfig.sample_bytes = 9000
VocabularyConfig.held_out = 0.1
PrepareConfig.validation_fraction = 0.1
PrepareConfig.workers = 1
ModelConfig.d_model = 16
ModelConfig.layers = 1
ModelConfig.heads = 1
ModelConfig.head_dim = 16
ModelConfig.feed_forward = 32
ModelConfig.vocabulary_size = 330
Schedule.peak = 1e-2
SuiteConfig.domains = ('light.corpus',)
SuiteConfig.tasks = ()
"""
STUDY = """
include 'phases/setting.gin'
Study.name = 'alone'
Study.recipes = (@base_only,)
Study.baseline = 'base_only'
Study.seeds = (0,)
Setting.base = {'light.corpus': 1.0}
Setting.tokens = 64
Setting.cooldown_tokens = 0
Setting.batch_windows = 1
Setting.seq_len = 16
"""
PHASE = """
Phase.mixture = {'light.corpus': 1.0}
Phase.tokens = 64
Phase.model = @ModelConfig()
Phase.optimizer = @Optimizer()
Phase.schedule = @Schedule()
Phase.batch_windows = 1
Phase.seq_len = 16
Phase.seed = 0
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder with a vocabulary, a token store, and gin files that read them."""
    folder = tmp_path_factory.mktemp("alone")
    register(texts(60), name="light.corpus")
    vocabulary = make_vocabulary(VOCABULARY, folder / "data", progress=False)
    one("light.corpus", vocabulary, folder / "data", PREPARE)
    settings = SETTINGS.format(data=str(folder / "data"), runs=str(folder / "runs"))
    (folder / "study.gin").write_text(STUDY + settings)
    (folder / "phase.gin").write_text(PHASE + settings)
    return folder


def command(folder, *arguments, blocked=DATA_PACKAGES):
    code = f"""
        import os, sys
        from code_ablate.cli import main
        os.chdir({str(folder)!r})
        sys.exit(main({list(map(str, arguments))!r}))
    """
    return run(code, *blocked)


def strangers(stderr):
    """Lines that are not this project's own."""
    lines = stderr.replace("\r", "\n").splitlines()
    return [line for line in lines if re.search(r"absl|WARNING|tensorflow/|TF_|^[IWE]\d{4}", line)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("plan", "study.gin"), "1 distinct phases"),
        (("plan", "study.gin", "--show-config"), "light.corpus"),
        (("inspect", "light.corpus", "--study", "study.gin"), "light.corpus"),
        (("why-not-cached", "study.gin"), "all token stores are prepared"),
        (("prepare", "study.gin"), "light.corpus"),
        (("list", "recipes"), "base_only"),
        (("list", "scales"), "demo"),
        (("config", "Setting"), "Setting.base"),
    ],
)
def test_light_commands_run_on_prepared_stores_without_the_data_packages(prepared, arguments, said):
    done = command(prepared, *arguments)
    assert done.returncode == 0, done.stderr[-2000:]
    assert said in done.stdout and not strangers(done.stderr)


def test_names_that_only_seqio_knows_are_an_error_that_says_what_to_install(prepared):
    done = command(prepared, "list", "tasks")
    assert done.returncode == 2 and "pip install 'code-ablate[data]'" in done.stderr


def test_training_and_evaluation_run_on_prepared_stores_without_the_data_packages(prepared):
    done = command(prepared, "train", "--gin_file=phase.gin")
    assert done.returncode == 0, done.stderr[-2000:]
    assert not strangers(done.stderr), done.stderr
    (directory,) = (path for path in (prepared / "runs").iterdir() if path.is_dir())
    assert re.fullmatch(r"pretraining-seed0-[0-9a-f]{16}", directory.name)
    done = command(prepared, "eval", directory, "--gin_file=phase.gin")
    assert done.returncode == 0, done.stderr[-2000:]
    assert not strangers(done.stderr), done.stderr
    (summary,) = directory.glob("eval/*/summary.json")
    assert list(json.loads(summary.read_text())["tasks"]) == ["bits_per_byte/light.corpus"]


def test_a_report_needs_neither_jax_nor_gin(tmp_path):
    study = write_study(tmp_path / "a", recipes=("text_only", "code_100"), items=20)
    done = command(tmp_path, "report", study, blocked=(*DATA_PACKAGES, "jax", "flax", "gin"))
    assert done.returncode == 0, done.stderr[-2000:]
    assert "baseline text_only" in done.stdout and (study / "report.html").stat().st_size > 10_000
    assert not done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("plan", "demoo"), "did you mean 'demo'"),
        (("plan", "demo", "--scale", "paper"), "did you mean 'paper_470m'"),
        (("config", "Settings"), "did you mean 'Setting'"),
        (("report", "no/such/folder"), "no folder 'no/such/folder'"),
        (("status", "no/such/folder"), "no folder 'no/such/folder'"),
        (("report", "."), "no study.json in .: it is not the folder of a study"),
        (("status", "."), "no phases.json in .: the study has not begun there"),
        (("eval", "no/such/run"), "is not a run directory"),
        (("export", "no/such/run", "--out", "x"), "is not a run directory"),
        (("judge", "no/such/a", "no/such/b"), "no/such/a"),
        (("train", "--gin_file=no.gin"), "no.gin"),
        (("plan", "demo", "--import", "no_such_module"), "no_such_module"),
        (("inspect", "demo.text", "--study", "demoo"), "did you mean 'demo'"),
    ],
)
def test_a_wrong_name_is_one_line_that_names_it(tmp_path, arguments, said):
    done = command(tmp_path, *arguments)
    lines = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
    assert done.returncode == 2 and len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ") and said in lines[0]


def test_nobody_who_reads_the_output_is_no_error():
    """`code-ablate list studies | true`"""
    reading, writing = os.pipe()
    os.close(reading)
    program = [sys.executable, "-m", "code_ablate.cli", "list", "studies"]
    with os.fdopen(writing, "w") as out:
        done = subprocess.run(program, stdout=out, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (141, "")
