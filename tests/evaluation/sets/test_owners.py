"""Sets as their owners distribute them, in files of our own writing."""

import json

import pytest

from code_ablate.errors import UserError
from code_ablate.evaluation.sets import origins as origins
from code_ablate.evaluation.sets.source import FOLDER_VARIABLE, TFDS, EvaluationSet
from tests.evaluation.sets.written import read

QUAC = {
    "data": [
        {
            "title": "A river",
            "section_title": "Course",
            "background": "",
            "paragraphs": [
                {
                    "context": "It rises in a wood. It ends in a lake. CANNOTANSWER",
                    "qas": [
                        {
                            "id": f"C_1_q#{number}",
                            "question": question,
                            "orig_answer": {"text": answer, "answer_start": 0},
                            "answers": [{"text": answer, "answer_start": 0}],
                        }
                        for number, (question, answer) in enumerate(
                            [
                                ("Where does it rise?", "in a wood"),
                                ("Is it long?", "CANNOTANSWER"),
                                ("Where does it end?", "in a lake"),
                                ("Where, again?", "in a wood"),
                            ]
                        )
                    ],
                },
                {
                    "context": "Nothing. CANNOTANSWER",
                    "qas": [
                        {
                            "id": "C_2_q#0",
                            "question": "Why?",
                            "orig_answer": {"text": "CANNOTANSWER", "answer_start": 9},
                            "answers": [],
                        }
                    ],
                },
            ],
        }
    ]
}


def test_quac_as_its_owners_distribute_it(tmp_path):
    file = tmp_path / "val_v0.2.json"
    file.write_text(json.dumps(QUAC))
    rows = read(EvaluationSet("quac", file=str(file)))
    assert [row["id"] for row in rows] == [f"C_1_q#{number}" for number in range(4)]
    assert {tuple(row["choices"]) for row in rows} == {("in a wood", "CANNOTANSWER", "in a lake")}
    assert [row["gold"] for row in rows] == [0, 1, 2, 0]
    assert rows[0]["history"] == ""
    assert rows[2]["history"] == (
        "Question: Where does it rise?\nAnswer: in a wood\n"
        "Question: Is it long?\nAnswer: CANNOTANSWER\n"
    )
    assert rows[0]["context"] == "It rises in a wood. It ends in a lake."
    assert (rows[0]["title"], rows[0]["section"]) == ("A river", "Course")


STORY = (
    "InputStoryid,InputSentence1,InputSentence2,InputSentence3,InputSentence4,"
    "RandomFifthSentenceQuiz1,RandomFifthSentenceQuiz2,AnswerRightEnding\n"
    's-1,Ann had a plan.,"She told Ben, twice.",He laughed.,She waited.,It rained.,It worked.,2\n'
)


def test_storycloze_as_its_owners_distribute_it_and_as_tfds_does(tmp_path, monkeypatch):
    file = tmp_path / "cloze_test_val__spring2016 - cloze_test_ALL_val.csv"
    file.write_text(STORY)
    monkeypatch.setattr(origins, "tfds_rows", lambda name, split: None)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    source = EvaluationSet("storycloze")
    assert source.origin == str(file)
    text = "Ann had a plan. She told Ben, twice. He laughed. She waited."
    endings = ["It rained.", "It worked."]
    (row,) = read(source)
    assert {key: row[key] for key in row if key != "id"} == {
        "context": text,
        "choices": endings,
        "gold": 1,
    }
    published = [{"context": text, "endings": endings, "label": 2}]
    monkeypatch.setattr(origins, "tfds_rows", lambda name, split: published)
    assert EvaluationSet("storycloze", origin=TFDS).digest() == source.digest()
    file.write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match="has no column InputSentence1"):
        _ = EvaluationSet("storycloze", file=str(file)).rows


def test_big_bench_hard_is_a_folder_of_the_users(tmp_path, monkeypatch):
    folder = tmp_path / "bbh"
    folder.mkdir()
    with pytest.raises(UserError, match="no JSON files in"):
        _ = EvaluationSet("bbh", file=str(folder)).rows
    for name in ("snarks", "navigate"):
        examples = [{"input": f"{name}?", "target": "(A)"}, {"input": "And?", "target": "No"}]
        (folder / f"{name}.json").write_text(json.dumps({"canary": "", "examples": examples}))
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    rows = read(EvaluationSet("bbh"))
    assert [row["id"] for row in rows] == [
        *("navigate/000", "navigate/001", "snarks/000", "snarks/001")
    ]
    assert rows[0] == {"id": "navigate/000", "question": "navigate?", "answers": ["(A)"]}
