"""Which n-grams of items count, and that a document is told what it has of them."""

import numpy as np
import pytest

from code_ablate.data.preparing.evaluation_items import ANSWER, PROMPT, EvaluationItem, ItemPart
from code_ablate.data.preparing.leak_index import Decontamination, LeakIndex, load_tables, save
from code_ablate.errors import UserError
from tests.data.preparing.test_code_hashes import LEAKS, PROGRAM

LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
WORDS = LONG.split()
RULES = Decontamination()


def item(name: str, prompt: str, answer: str = "yes", is_code: bool = False) -> EvaluationItem:
    parts = (ItemPart(PROMPT, prompt, is_code), ItemPart(ANSWER, answer, is_code))
    return EvaluationItem(name, parts)


def found(index: LeakIndex, text: str) -> dict[tuple[str, str], float]:
    """Share of the n-grams of each part that stand in a document, by item and part."""
    (ngrams,) = index.hits([text])
    _, part_H = index.table.parts_of(ngrams.astype(np.int64))
    parts, counts = np.unique(part_H, return_counts=True)
    columns = index.parts
    return {
        (columns.item_P[part], columns.name_P[part]): count / columns.ngrams_P[part]
        for part, count in zip(parts.tolist(), counts.tolist(), strict=True)
    }


def test_a_long_part_is_found_by_thirteen_words():
    index = LeakIndex.of({"quiz": [item("1", LONG)]}, RULES)
    assert found(index, f"So: {LONG.title()}!") == {("1", PROMPT): 1}
    assert found(index, " ".join(WORDS[:13])) == {("1", PROMPT): 0.5}
    assert found(index, " ".join(WORDS[:12])) == {}
    assert found(index, LONG.replace("seven", "7")) == {}


@pytest.mark.parametrize("length", [8, 10, 12])
def test_a_short_part_is_found_as_a_whole(length):
    prompt = " ".join(WORDS[:length])
    index = LeakIndex.of({"quiz": [item("1", prompt)]}, RULES)
    assert found(index, f"Why {prompt}, you ask") == {("1", PROMPT): 1}
    assert found(index, " ".join(WORDS[: length - 1])) == {}


def test_what_is_too_short_or_of_numbers_is_not_looked_for_and_counted():
    numbers = " ".join(map(str, range(20)))
    items = [item("1", "Is the sky blue?"), item("2", numbers), item("3", "a b " * 10)]
    index = LeakIndex.of({"quiz": items}, RULES)
    assert not index.tables and index.skipped == {"quiz": 6}
    assert found(index, f"{numbers}\n{'a b ' * 10}") == {}


def test_what_many_items_of_a_task_have_does_not_count():
    form = "Read the following text with care and then choose the best of all answers: "
    ends = [LONG, *WORDS[1:]]
    items = [item(str(n), f"{form} {WORDS[n]} {end}") for n, end in enumerate(ends)]
    index = LeakIndex.of({"quiz": items}, RULES)
    assert found(index, form) == {}
    assert found(index, LONG) == {("0", PROMPT): pytest.approx(2 / index.parts.ngrams_P[0])}
    one_each = {f"quiz_{n}": [one] for n, one in enumerate(items)}  # tasks may share their items
    assert len(found(LeakIndex.of(one_each, RULES), form)) == len(items)


@pytest.mark.parametrize("leak", LEAKS)
def test_a_program_is_found_in_a_changed_form(leak):
    body = PROGRAM.partition('"""\n')[2]
    index = LeakIndex.of({"programs": [item("1", "def f", body, is_code=True)]}, RULES)
    assert found(index, f"import os\n{LEAKS[leak]}")["1", ANSWER] > 0.8


def test_a_short_program_is_not_looked_for():
    items = [item("1", "", "return [x for x in xs if x > 0]", is_code=True)]
    index = LeakIndex.of({"programs": items}, RULES)
    assert index.skipped == {"programs": 3}  # prompt as prose, prompt and answer as programs


def test_documents_of_a_batch_are_told_apart():
    index = LeakIndex.of({"quiz": [item("1", LONG), item("2", "other " + LONG[::-1])]}, RULES)
    texts = ["nothing", LONG, "", f"{' '.join(WORDS[:7])}", " ".join(WORDS[7:]), LONG + LONG]
    counts = [len(ngrams) for ngrams in index.hits(texts)]
    assert counts == [0, 2, 0, 0, 0, 2]
    assert counts == [len(ngrams) for text in texts for ngrams in index.hits([text])]


def test_the_tables_come_back_from_disk(tmp_path):
    items = [item("1", LONG), item("2", " ".join(WORDS[:9])), item("3", "", PROGRAM, True)]
    index = LeakIndex.of({"quiz": items}, RULES)
    save(index, str(tmp_path / "index"))
    loaded = load_tables(str(tmp_path / "index"), RULES)
    text = f"{LONG} {PROGRAM}"
    np.testing.assert_array_equal(next(loaded.hits([text])), next(index.hits([text])))
    assert list(loaded.tables) == list(index.tables)


def test_wrong_rules_are_refused():
    with pytest.raises(UserError, match=r"at most Decontamination\.ngram = 5"):
        Decontamination(ngram=5)
    with pytest.raises(UserError, match=r"at least Decontamination\.code_tokens = 30"):
        Decontamination(code_tokens=30)
