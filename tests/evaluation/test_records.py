"""Tables of scores on disk: read as they were written, or evaluated again."""

import json

import pandas as pd
import pytest
from etils import epath

from code_ablate import own_file
from code_ablate.errors import UserError
from code_ablate.evaluation.records import FORMAT, Key, Records, read_items

KEY = Key("bits_per_byte/demo.text: a", "0f")
ITEMS = pd.DataFrame({"item": [f"{i}" for i in range(40)], "bits": [i / 7 for i in range(40)]})
ABOUT = {"kind": "bits_per_byte", "metrics": {"em": 0.25}}


@pytest.fixture
def records(tmp_path):
    made = Records(epath.Path(tmp_path) / "eval" / "100")
    made.save(KEY, ABOUT, ITEMS)
    return made


def files(records):
    return [records.directory / f"{KEY.stem}.{end}" for end in ("parquet", "json")]


def test_what_is_saved_is_loaded(records):
    assert KEY.stem == "bits_per_byte-demo.text-a-0f"
    items, about = records.load(KEY)
    pd.testing.assert_frame_equal(items, ITEMS)
    assert about == {"task": KEY.name, "identity": "0f", **ABOUT}
    assert sorted(records.directory.iterdir()) == sorted(files(records))
    pd.testing.assert_frame_equal(read_items(files(records)[0]), ITEMS)


def test_killed_between_the_two_it_is_not_done(records):
    files(records)[0].unlink()
    assert records.load(KEY) is None and not records.has(KEY)


def damages(content: bytes):
    """The content cut at several places, and with each of many bits flipped."""
    yield from (content[: len(content) * part // 7] for part in range(7))
    for place in range(0, len(content), max(1, len(content) // 150)):
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        yield bytes(flipped)


@pytest.mark.parametrize("which", ["table", "description"])
def test_a_damaged_file_counts_as_not_evaluated(records, which, capfd):
    table, description = files(records)
    file = table if which == "table" else description
    content = file.read_bytes()
    for damaged in damages(content):
        file.write_bytes(damaged)
        assert not records.has(KEY) and records.load(KEY) is None
        with pytest.raises(UserError, match="evaluate that checkpoint again"):
            read_items(table)
    assert f"{KEY.name} counts as not evaluated" in capfd.readouterr().err
    records.save(KEY, ABOUT, ITEMS)
    pd.testing.assert_frame_equal(records.load(KEY)[0], ITEMS)


def test_a_table_without_its_description_counts_as_not_evaluated(records):
    files(records)[1].unlink()
    assert not records.has(KEY)


def test_every_second_row_and_the_scores_of_another_task_are_noticed(records):
    table, description = files(records)
    ITEMS.iloc[::2].to_parquet(table, index=False)
    assert not records.has(KEY)
    records.save(KEY, ABOUT, ITEMS)
    other = Key("other", "0f")
    for file in (table, description):
        file.rename(records.directory / f"{other.stem}{file.suffix}")
    assert not records.has(other)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop("task"),
        lambda content: content.update(more=1),
        lambda content: content.update(facts=[]),
        lambda content: content.update(table_digest=None),
        lambda content: content.update(format=0),
    ],
)
def test_another_schema_counts_as_not_evaluated(records, change):
    """Even where the digest fits: another version may have written it."""
    _, description = files(records)
    content = json.loads(description.read_text())
    file_format = content.pop("format")
    del content["digest"]
    change(content)
    assert file_format == FORMAT
    description.write_text(own_file.text_of(content, content.pop("format", FORMAT)))
    assert not records.has(KEY)


@pytest.mark.parametrize("text", ["", "[]", "null", "3", '"x"', "{}", '{"task": 1}'])
def test_other_json_counts_as_not_evaluated(records, text):
    files(records)[1].write_text(text)
    assert not records.has(KEY)


def test_a_file_of_ones_own_is_read_as_it_is(tmp_path):
    file = epath.Path(tmp_path) / "answers.parquet"
    ITEMS.to_parquet(file, index=False)
    pd.testing.assert_frame_equal(read_items(file), ITEMS)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(UserError, match="not a readable Parquet file"):
        read_items(file)


def test_what_is_done_is_listed_and_what_is_damaged_is_not(records, capfd):
    again, other = Key(KEY.name, "1f"), Key("arc_easy", "2a")
    for key in (other, again):
        records.save(key, ABOUT, ITEMS)
    (records.directory / "summary.json").write_text("{}")
    assert records.keys() == [other, KEY, again]
    damaged = records.directory / f"{again.stem}.json"
    damaged.write_text(damaged.read_text().replace("em", "en"))
    copied = records.directory / f"{other.stem}.parquet"
    copied.write_bytes(b"PAR1")
    assert records.keys() == [other, KEY]
    assert records.load(other) is None and records.load(KEY) is not None
    said = capfd.readouterr().err
    assert f"{again.stem}.parquet is left out" in said and "arc_easy counts as not" in said
    assert Records(records.directory / "none").keys() == []
