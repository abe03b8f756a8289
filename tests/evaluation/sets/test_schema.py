"""Rows that people write: what is right is taken, and everything else refused by name and place."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from code_ablate.errors import UserError
from code_ablate.evaluation.sets.schema import checked_row, id_of
from code_ablate.evaluation.sets.source import ANSWERS, CHOICES, TEXT, EvaluationSet
from tests.evaluation.sets.written import read

QUIZ = {"question": "2 + 2 =", "choices": ["3", "4"], "gold": 1}
OPEN = {"question": "2 + 2 =", "answers": ["4"]}


@pytest.mark.parametrize(
    ("answers", "taken"),
    [
        ("4", ["4"]),
        (4, ["4"]),
        (0.5, ["0.5"]),
        ([4, "four"], ["4", "four"]),
        ("\u0664", ["\u0664"]),
    ],
)
def test_a_single_answer_or_a_number_is_a_list_of_one(answers, taken):
    row = checked_row(OPEN | {"answers": answers}, ("question",), ANSWERS, "line 1")
    assert row == OPEN | {"answers": taken}


@pytest.mark.parametrize(
    ("form", "row", "message"),
    [
        (CHOICES, QUIZ | {"gold": 0.5}, "line 3 has 0.5 as its 'gold'; it must be the number"),
        (CHOICES, QUIZ | {"gold": 1.0}, "has 1.0 as its 'gold'"),
        (CHOICES, QUIZ | {"gold": True}, "has True as its 'gold'"),
        (CHOICES, QUIZ | {"gold": "1"}, "has '1' as its 'gold'"),
        (CHOICES, QUIZ | {"gold": "\u0661"}, "as its 'gold'"),
        (CHOICES, QUIZ | {"gold": None}, "has None as its 'gold'"),
        (CHOICES, QUIZ | {"gold": [1]}, r"has \[1\] as its 'gold'"),
        (CHOICES, QUIZ | {"choices": "34"}, "has '34' as its 'choices'; it must be a list"),
        (CHOICES, QUIZ | {"choices": None}, "has None as its 'choices'"),
        (CHOICES, QUIZ | {"choices": ["3", 4]}, "has 4 as choice 1; it must be a string"),
        (CHOICES, QUIZ | {"choices": []}, "has 0 choices"),
        (ANSWERS, OPEN | {"answers": []}, "has no answers"),
        (ANSWERS, OPEN | {"answers": None}, "has None as an answer"),
        (ANSWERS, OPEN | {"answers": [True]}, "has True as"),
        (ANSWERS, OPEN | {"answers": float("nan")}, "has nan as"),
        (ANSWERS, OPEN | {"answers": {"a": 1}}, "must be a string"),
        (TEXT, {"question": "\ud800"}, "half a character"),
        (TEXT, ["question"], r"line 3 is \['question'\]; it must be an object"),
        (TEXT, None, "line 3 is None"),
    ],
)
def test_what_is_refused(form, row, message):
    with pytest.raises(UserError, match=message):
        checked_row(row, ("question",), form, "line 3")


@pytest.mark.parametrize("id", [None, True, 1.5, [], ""])
def test_ids_that_are_none(id):
    with pytest.raises(UserError, match=r"line 3 has .*id"):
        id_of({"id": id}, "line 3")
    assert (id_of({"id": 7}, ""), id_of({"id": "x"}, ""), id_of({}, "")) == ("7", "x", None)


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=5,
)
likely = st.fixed_dictionaries(
    {"question": st.text(max_size=3) | anything},
    optional={
        "id": st.text(max_size=2) | anything,
        "choices": st.lists(st.text(max_size=2), max_size=3) | anything,
        "gold": st.integers(-1, 3) | anything,
        "answers": st.lists(st.text(max_size=2), max_size=2) | anything,
    },
)


@given(st.sampled_from([CHOICES, ANSWERS, TEXT]), st.lists(likely | anything, max_size=3))
@settings(max_examples=400, deadline=None)
def test_any_rows_are_read_as_they_are_or_refused(tmp_path_factory, form, rows):
    file = tmp_path_factory.getbasetemp() / "fuzz.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = EvaluationSet("mine", file=str(file), fields=("question",), form=form)
    try:
        found = list(source.rows)
    except UserError as error:
        assert "fuzz.jsonl" in str(error)
        return
    assert len(found) == len(rows)
    for row in found:
        assert isinstance(row["id"], str) and row["id"] and isinstance(row["question"], str)
        if form == CHOICES:
            written = [r for r in rows if r["choices"] == row["choices"]]
            assert row["gold"] in [r["gold"] for r in written] and type(row["gold"]) is int
            assert 0 <= row["gold"] < len(row["choices"])
        if form == ANSWERS:
            assert row["answers"] and all(isinstance(answer, str) for answer in row["answers"])
    if found:
        assert [row["id"] for row in read(source)] == [row["id"] for row in found]
