"""What is counted of a filter: the same however the documents come, and never much."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from code_ablate.data import filters
from code_ablate.data.filters import Document
from code_ablate.data.filters.scales import COUNT, SHARE, Categories
from code_ablate.data.filters.tally import (
    EXAMPLES,
    EXCERPT_CHARACTERS,
    FilterRecord,
    merged,
    tally_of,
)

RULE = filters.Length(20, 40)


def tallied(rule, texts, seed=0):
    tally = tally_of(rule, seed)
    for text in texts:
        document = Document(text, path=f"{len(text)}.txt", language="english", source="here")
        if isinstance(rule, filters.Rewriter):
            tally.add(document, len(text), *rule.rewrite(document))
        else:
            tally.add(document, len(text), rule.judge(document))
    return json.loads(json.dumps(tally.plain))  # as it goes through a file


def texts_of(lengths):
    return [("a" * n) + str(i) for i, n in enumerate(lengths)]


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 70), max_size=60),
    st.integers(1, 5),
    st.randoms(use_true_random=False),
)
def test_pieces_and_their_order_do_not_matter(lengths, pieces, rng):
    texts = texts_of(lengths)
    whole = merged([tallied(RULE, texts)])
    shuffled = list(texts)
    rng.shuffle(shuffled)
    parts = [tallied(RULE, shuffled[i::pieces]) for i in range(pieces)]
    rng.shuffle(parts)
    assert merged(parts) == whole
    record = FilterRecord.of(whole)
    assert record.seen == len(texts) and record.seen_bytes == sum(map(len, texts))
    assert sum(b.kept + b.dropped for b in record.histogram) == record.seen
    assert sum(b.dropped for b in record.histogram) == record.dropped
    assert len(record.dropped_examples) == min(EXAMPLES, record.dropped)


def test_what_is_dropped_is_drawn_by_the_seed_and_what_is_kept_is_near_the_bound():
    texts = texts_of(range(10, 100))
    records = [FilterRecord.of(merged([tallied(RULE, texts, seed)])) for seed in (0, 0, 1)]
    assert records[0] == records[1]
    assert records[0].dropped_examples != records[2].dropped_examples
    assert len(records[0].dropped_examples) == EXAMPLES
    kept = [example.value for example in records[0].kept_examples]
    assert set(kept[:2]) == {20, 40} and kept[2:] == [39, 38, 37]  # in shares of the bound
    assert records[0].kept_examples[2].path == "39.txt"


def test_a_document_that_is_repeated_is_one_example_whichever_comes_first():
    paths = [f"{i}.txt" for i in range(4)]
    for order in (paths, paths[::-1]):
        tally = tally_of(RULE, 0)
        for path in order:
            document = Document("short", path=path)
            tally.add(document, 5, RULE.judge(document))
        record = FilterRecord.of(merged([tally.plain, tally.plain]))
        assert record.dropped == 8
        assert [example.path for example in record.dropped_examples] == ["0.txt"]


def test_examples_are_short_and_hold_no_secret():
    long = "mail ann@hive.io\n" * 5000
    secret = "x" * (EXCERPT_CHARACTERS - 8) + " ann.marie.of.the.hill@hive.io"  # the cut is within
    record = FilterRecord.of(merged([tallied(filters.Length(1, 10), [long, secret])]))
    for example in record.dropped_examples:
        assert len(example.text) <= EXCERPT_CHARACTERS
        assert "ann" not in example.text and "<" in example.text
    assert len(json.dumps(merged([tallied(RULE, texts_of(range(3000)))]))) < 20_000


def test_rewriters_are_counted_by_kind_of_change_and_shown_around_it():
    texts = ["nothing", "a line\n" * 200 + "from ann@hive.io here", "ben@hive.io and carl@hive.io"]
    plain = merged([tallied(filters.RedactSecrets(), texts[:2]),
                    tallied(filters.RedactSecrets(), texts[2:])])  # fmt: skip
    record = FilterRecord.of(plain)
    assert record.changes == {"email": 3} and not record.histogram
    assert (record.seen, record.dropped) == (3, 2)
    shown = {example.value: example.text for example in record.dropped_examples}
    assert shown[2] == "<EMAIL> and <EMAIL>" and "from <EMAIL> here" in shown[1]


def test_filters_of_categories():
    rule = filters.PermissiveLicence()
    tally = tally_of(rule, 0)
    for licence in ("MIT", "MIT", "GPL-3.0-only", "Made-Up-1.0", ""):
        document = Document("text", more={"licence": licence})
        tally.add(document, 4, rule.judge(document))
    tally.pass_by()
    record = FilterRecord.of(merged([tally.plain]))
    bins = {one.low: (one.kept, one.dropped) for one in record.histogram}
    assert bins == {"MIT": (2, 0), "GPL-3.0-only": (0, 1), "others": (0, 1), "none": (0, 1)}
    assert record.passed_by == 1 and record.kept_examples == ()


@pytest.mark.parametrize("scale", [COUNT, SHARE])
def test_the_bins_of_a_scale_hold_every_number_once(scale):
    rng = random.Random(0)
    values = [*scale.edges, *(rng.uniform(-1, 2**41) for _ in range(999)), -3, 0, 1e300]
    for value in values:
        low, high = scale.limits(scale.bin(value))
        assert (low is None or low <= value) and (high is None or value < high)
    assert [scale.bin(edge) for edge in scale.edges] == list(range(1, len(scale.edges) + 1))


def test_categories_have_a_bin_for_the_others():
    scale = Categories(("a", "b"))
    assert [scale.limits(scale.bin(name)) for name in ("a", "b", "c")] == [
        ("a", "a"),
        ("b", "b"),
        ("others", "others"),
    ]


def test_examples_begin_where_what_was_measured_can_be_seen():
    head = "a licence of some lines\n" * 99
    shown = {
        filters.LongestLine(50): "=" * 90,
        filters.Undecodable(): "a \ufffd b",
        filters.HexNumbers(0): "x = 0xFF",
        filters.FloatNumbers(0): "x = 1.5",
        filters.text.LoremIpsum(): "it says Lorem ipsum",
        filters.text.CurlyBrackets(): "if (a) { b }",
    }
    for rule, line in shown.items():
        record = FilterRecord.of(merged([tallied(rule, [f"{head}{line}\nthe end"])]))
        (example,) = record.dropped_examples
        assert example.text == f"{line}\nthe end" and example.start == len(head), rule.name


def test_half_of_a_private_key_is_not_shown():
    lines = "\n".join(["Qm9vdHN0cmFwIG9mIHRoZSBoaXZlIGFuZCBpdHMgYmVlcw"] * 20)
    key = f"-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\n"
    record = FilterRecord.of(merged([tallied(filters.LongestLine(10), ["x\n" * 9 + key])]))
    assert "Qm9v" not in record.dropped_examples[0].text
