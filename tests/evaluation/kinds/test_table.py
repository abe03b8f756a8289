"""The table of kinds: what it says, what it loads, and that a kind is one module and one line."""

import importlib
import re
from pathlib import Path

import pandas as pd
import pytest
import seqio
import tensorflow as tf

from code_ablate.evaluation import declarations, domains
from code_ablate.evaluation.few_shot import evaluation_features
from code_ablate.evaluation.kinds import KINDS
from code_ablate.evaluation.measure import Kind, Outcome
from code_ablate.evaluation.suite import Suite
from code_ablate.evaluation.suite_config import SuiteConfig
from tests.evaluation.test_downstream import Bytes
from tests.test_imports import run

ROOT = Path(__file__).resolve().parents[3]


def test_names_are_those_of_recorded_scores():
    assert list(KINDS) == [
        *("rank_classification", "gold_bits_per_byte", "exact_match", "pass_at_k"),
        *("open_ended", "bits_per_byte"),
    ]
    for kind in KINDS.values():
        assert kind.title and kind.how.endswith(".")
        assert kind.score is None or kind.score in kind.columns


def test_the_documentation_names_kinds_as_tables_do():
    text = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) \| `(\w+)` \|", text.partition("## Kinds")[2], re.MULTILINE)
    named = {module: name for module, name in rows if name in KINDS}
    assert set(named.values()) == set(KINDS) - {domains.KIND.name}
    for module, name in named.items():
        assert importlib.import_module(f"code_ablate.evaluation.kinds.{module}").KIND.name == name
    assert f"`{domains.KIND.name}`" in text


def test_facts_are_read_without_jax_tensorflow_seqio_and_gin():
    code = "from code_ablate.evaluation.kinds import KINDS; print(KINDS['exact_match'].title)"
    done = run(code, "jax", "flax", "tensorflow", "seqio", "t5", "tensorflow_datasets", "gin")
    assert done.stdout == "exact match\n", done.stderr[-2000:]


class NamedBytes(Bytes):
    digest = "bytes"


class Lengths:
    """Measures of a toy kind: how long the inputs are."""

    def __init__(self, task):
        self._task = task
        self.work = len(task.examples)

    def describe(self):
        return self._task.describe("toy_length", examples=self.work, cropped=0)

    def evaluate(self, engine, advance=lambda done: None):
        lengths = [float(len(example["inputs"])) for example in self._task.examples]
        items = pd.DataFrame({"item": self._task.item_names(), "length": lengths})
        return Outcome(items, {"length": float(items["length"].mean())})


TOY = Kind(
    name="toy_length",
    title="length",
    score="length",
    columns=("length",),
    generates=False,
    chance="",
    how="The length of the prompt.",
    measure=Lengths,
    settings=declarations.no_settings,
)


@pytest.fixture
def toy_task(monkeypatch):
    monkeypatch.setitem(KINDS, TOY.name, TOY)
    rows = {"inputs": ["one", "three"], "targets": ["", ""]}
    declarations.declare("test.toy", declarations.TaskInfo("toys", TOY))
    seqio.TaskRegistry.add(
        "test.toy",
        source=seqio.FunctionDataSource(
            lambda split, shuffle_files, seed=None: tf.data.Dataset.from_tensor_slices(rows),
            splits=["validation"],
        ),
        preprocessors=[seqio.preprocessors.tokenize],
        output_features=evaluation_features(),
    )
    yield "test.toy"
    seqio.TaskRegistry.remove("test.toy")
    declarations.forget("test.toy")


def test_a_kind_is_one_module_and_one_line(toy_task):
    suite = Suite.of(SuiteConfig(tasks=(toy_task,)), NamedBytes(), {}, seq_len=63)
    (part,) = suite.prepared([]).parts
    description, items = part.evaluate(None, lambda done: None)
    assert list(items["length"]) == [3, 5]
    assert description["kind"] == "toy_length" and description["metrics"] == {"length": 4}
