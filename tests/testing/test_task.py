"""The check that users run on evaluation tasks of their own."""

import itertools

import pytest
import seqio
import tensorflow as tf

from code_ablate.errors import UserError
from code_ablate.evaluation.few_shot import evaluation_features
from code_ablate.evaluation.kinds import answers, gold, open_ended, programs, ranked
from code_ablate.evaluation.sampling import Sampling
from code_ablate.evaluation.sets.source import EvaluationSet
from code_ablate.testing import check_task

_numbers = itertools.count()


def new(form, fields=("question",)):
    name = f"checked_task_{next(_numbers)}"
    return name, EvaluationSet(name, file="/nowhere.jsonl", fields=fields, form=form)


def quiz(ending=" "):
    name, source = new("choices")
    ranked.add_task(
        name,
        source,
        lambda row: (row["question"], tf.strings.join([ending, row["choices"]])),
        category="x",
    )
    return name


ROW = {"id": "a", "question": "2 + 2?", "choices": ["5", "4"], "gold": 1}


def test_ranked():
    checked = check_task(quiz(), [ROW])
    assert [(e.item, e.prompt, e.targets, e.right) for e in checked.examples] == [
        ("a", "2 + 2?", (" 5",), False),
        ("a", "2 + 2?", (" 4",), True),
    ]
    assert checked.perfect["accuracy"] == 1.0
    assert checked.floor["accuracy"] == 0.0


def test_gold():
    name, source = new("text")
    gold.add_task(name, source, lambda row: (row["question"], " four"), category="x")
    checked = check_task(name, [{"id": "a", "question": "2 + 2?"}])
    assert checked.examples[0].targets == (" four",)
    assert checked.perfect["bits_per_byte"] == 0.0
    assert checked.floor["bits_per_byte"] > 0.0


def test_answers():
    name, source = new("answers")
    answers.add_task(
        name,
        source,
        lambda row: row["question"],
        category="x",
        metric=answers.exact,
        sampling=Sampling(),
    )
    checked = check_task(name, [{"id": "a", "question": "2 + 2?", "answers": ["4", "four"]}])
    assert checked.examples[0].targets == ("4", "four")
    assert checked.perfect == {"exact_match": 1.0}
    assert checked.floor == {"exact_match": 0.0}


def test_open_ended():
    name, source = new("text")
    open_ended.add_task(name, source, lambda row: row["question"], category="x")
    checked = check_task(name, [{"id": "a", "question": "Sing."}])
    assert checked.examples[0].prompt == "Instruction: Sing.\nResponse:"
    assert checked.perfect is None
    assert checked.floor["empty"] == 1.0
    assert checked.unchecked


def test_programs():
    name, source = new("text")
    programs.add_task(
        name,
        source,
        lambda row: row["question"],
        lambda row: programs.Problem(
            row["id"], "assert f() == 4", ("f",), solution="def f():\n    return 4\n"
        ),
        category="x",
        sampling=Sampling(),
    )
    checked = check_task(name, [{"id": "a", "question": "# f gives 4\n"}])
    assert checked.examples[0].prompt == "# f gives 4\n"
    if checked.unchecked:  # the kernel gives no isolation here
        assert checked.perfect is None
    else:
        assert (checked.perfect, checked.floor) == ({"pass@1": 1.0}, {"pass@1": 0.0})


def exact_string(targets, predictions):
    return {"accuracy": float(targets == predictions)}


def test_a_task_written_for_t5x():
    name, _ = new("text")
    arguments = {
        "source": seqio.TextLineDataSource({"validation": "/nowhere"}),
        "preprocessors": [seqio.preprocessors.tokenize],
        "output_features": evaluation_features(),
    }
    seqio.TaskRegistry.add(name, metric_fns=[exact_string], **arguments)
    checked = check_task(name, [{"inputs": "a?", "targets": "b"}])
    assert checked.perfect == {"accuracy": 1.0}
    assert checked.floor == {"accuracy": 0.0}
    seqio.TaskRegistry.add(name + "x", metric_fns=[], **arguments)
    with pytest.raises(UserError, match="no metric_fn"):
        check_task(name + "x", [{"inputs": "a?", "targets": "b"}])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([ROW, ROW], "the id 'a'"),
        ([{**ROW, "gold": 2}], "gold index 2"),
        ([{"id": "a"}], "lacks question"),
        ([], "at least one row"),
    ],
)
def test_wrong_rows_are_refused(rows, message):
    with pytest.raises(UserError, match=message):
        check_task(quiz(), rows)


def test_empty_continuations_and_unknown_names_are_refused():
    with pytest.raises(UserError, match="empty continuation"):
        check_task(quiz(""), [{**ROW, "choices": ["", "4"]}])
    with pytest.raises(UserError, match="evaluation task"):
        check_task("no_such_task", [ROW])
