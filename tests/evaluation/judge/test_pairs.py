"""What a judge is shown, and how its reply is read."""

import pandas as pd
import pytest
from etils import epath

from code_ablate.errors import UserError
from code_ablate.evaluation.judge import prompt
from code_ablate.evaluation.judge.pairs import Pair, pair_answers, read_answers
from code_ablate.evaluation.records import Key, Records

REPLIES = {
    "Comparison: A is longer.\nPreferred: B": "B",
    "**Comparison:** fine\n\n**Preferred:** **A**": "A",
    "Preferred: Answer (B).": "B",
    "preferred: 'A'": "A",
    "## Preferred: [B]\n": "B",
    "Preferred: A\n...\nPreferred: A": "A",
    "Preferred: A or B": None,
    "Preferred: neither": None,
    "Preferred: both A": None,
    "I preferred: B was worse": None,
    "Preferred: a": None,
    "Comparison: B": None,
    "Preferred:": None,
    "": None,
}


@pytest.mark.parametrize("reply", REPLIES)
def test_a_reply_is_read_only_where_it_is_clear(reply):
    assert prompt.preferred(reply) == REPLIES[reply]


def test_the_question_holds_criteria_answers_and_form():
    question = prompt.messages("Why {x}?", " first {0} ", "")[1]["content"]
    for part in ("reasons correctly", "what the request asks", "factually right", "grammatical"):
        assert part in question
    assert "[Request]\nWhy {x}?\n" in question
    assert "[Answer A]\nfirst {0}\n" in question and "[Answer B]\n(no answer)\n" in question
    assert question.index("Comparison:") < question.index("Preferred: <A or B>")


def answers(path, items=("1", "2"), **columns):
    table = pd.DataFrame(
        {"item": list(items), "prompt": [f"{i}?" for i in items], "prediction": "x", **columns}
    )
    if path.parent.parent.name == "eval":
        name, _, asked = path.stem.rpartition("-")
        Records(epath.Path(path.parent)).save(Key(name, asked), {}, table)
    else:
        table.to_parquet(path)
    return path


def test_the_last_checkpoint_of_a_run_is_read(tmp_path):
    answers(tmp_path / "eval" / "9" / "t-0f3c.parquet", prediction="old")
    answers(tmp_path / "eval" / "20" / "t-0f3c.parquet", prediction="new")
    answers(tmp_path / "eval" / "20" / "t-other-0f3c.parquet", prediction="other")
    assert set(read_answers(tmp_path, "t")["prediction"]) == {"new"}
    answers(tmp_path / "eval" / "20" / "t-1a2b.parquet")
    with pytest.raises(UserError, match="several ways"):
        read_answers(tmp_path, "t")


def test_a_task_is_found_whatever_its_name(tmp_path):
    key = Key("mine:open prompts/2", "0f3c")
    answers(tmp_path / "eval" / "9" / f"{key.stem}.parquet", prediction="found")
    assert set(read_answers(tmp_path, key.name)["prediction"]) == {"found"}


def test_answers_are_paired_by_item(tmp_path):
    a = read_answers(answers(tmp_path / "a.parquet", prediction=["a1", "a2"]), "t")
    b = read_answers(answers(tmp_path / "b.parquet", ("2", "1"), prediction=["b2", "b1"]), "t")
    assert pair_answers(a, b) == (
        Pair("1", "1?", "1?", "a1", "b1"),
        Pair("2", "2?", "2?", "a2", "b2"),
    )


def test_the_sort_of_request_goes_with_the_pair(tmp_path):
    a = read_answers(answers(tmp_path / "a.parquet", group=["advice", None]), "t")
    b = read_answers(answers(tmp_path / "b.parquet"), "t")
    assert [pair.group for pair in pair_answers(a, b)] == ["advice", ""]
    assert [pair.group for pair in pair_answers(b, a)] == ["advice", ""]
    sorts = pd.Categorical(["advice", None])
    c = read_answers(answers(tmp_path / "c.parquet", group=sorts), "t")
    assert c["group"].tolist() == ["advice", ""]


def test_answers_that_do_not_belong_together_are_refused(tmp_path):
    a = read_answers(answers(tmp_path / "a.parquet"), "t")
    with pytest.raises(UserError, match="2 and 3 answers, 2 of them"):
        pair_answers(a, read_answers(answers(tmp_path / "b.parquet", ("1", "2", "3")), "t"))
    with pytest.raises(UserError, match="another prompt"):
        pair_answers(a, read_answers(answers(tmp_path / "c.parquet", prompt=["1?", "0?"]), "t"))
    with pytest.raises(UserError, match="lacks the columns prompt"):
        pd.DataFrame({"item": [1], "prediction": ["x"]}).to_parquet(tmp_path / "d.parquet")
        read_answers(tmp_path / "d.parquet", "t")
    with pytest.raises(UserError, match="more than one answer"):
        read_answers(answers(tmp_path / "e.parquet", ("1", "1")), "t")
    with pytest.raises(UserError, match="no answers to 't'"):
        read_answers(tmp_path, "t")
