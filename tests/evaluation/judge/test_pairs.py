"""Two models' answers, joined by item."""

import pandas as pd
import pytest
from etils import epath

from code_ablate.errors import UserError
from code_ablate.evaluation.judge.pairs import Pair, pair_answers, read_answers
from code_ablate.evaluation.records import Key, Records


def answers(path, items=("1", "2"), **columns):
    prompts = [f"{i}?" for i in items]
    table = pd.DataFrame({"item": list(items), "prompt": prompts, "prediction": "x"} | columns)
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


WRONG_ROWS = {
    "prediction is int": {"prediction": [1, 2]},
    "prediction is bytes": {"prediction": [b"x", b"y"]},
    "prompt is ndarray": {"prompt": [["a"], ["b"]]},
    "group is float": {"group": [0.5, 1.5]},
    "item is float": {"item": [1.5, 2.5]},
    "item is bool": {"item": [True, False]},
}


@pytest.mark.parametrize("message", WRONG_ROWS)
def test_what_is_no_text_is_refused(tmp_path, message):
    file = answers(tmp_path / "a.parquet", **WRONG_ROWS[message])
    with pytest.raises(UserError, match=f"row 0: {message}, not text"):
        read_answers(file, "t")


def test_items_may_be_whole_numbers(tmp_path):
    a = read_answers(answers(tmp_path / "a.parquet", item=[1, 2]), "t")
    b = read_answers(answers(tmp_path / "b.parquet", ("2", "1")), "t")
    assert [pair.item for pair in pair_answers(a, b)] == ["1", "2"]


def test_a_folder_is_no_table(tmp_path):
    (tmp_path / "a.parquet").mkdir()
    with pytest.raises(UserError, match="no file"):
        read_answers(tmp_path / "a.parquet", "t")
