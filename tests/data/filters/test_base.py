"""What all filters share: languages, metadata, their use as a preprocessor."""

import dataclasses

import pytest
import tensorflow as tf

from code_ablate.data import filters
from code_ablate.data.filters import Document, Drop, Verdict, Without
from code_ablate.data.preparing.task_fingerprint import preprocessor_fingerprint
from code_ablate.errors import UserError
from tests.data.filters.made_documents import documents


@dataclasses.dataclass(frozen=True)
class NotUnder(Without):
    """A filter as users write them: it looks at metadata."""

    folder: str
    needs = ("path",)

    def measure(self, document):
        return int(document.path.startswith(self.folder))


def dataset(**features):
    return tf.data.Dataset.from_tensor_slices(features)


def test_the_first_drop_of_a_chain_is_the_verdict():
    rules = (filters.Length(5), filters.AlphabeticFraction(0.5, only=("json",)))
    assert filters.first_drop(rules, Document("1234", "json")) == Drop("length_under_5", 4)
    second = Drop("alphabetic_fraction_under_0.5", 0.0)
    assert filters.first_drop(rules, Document("12345", "json")) == second
    assert filters.first_drop(rules, Document("12345", "python")) is None


def test_what_was_measured_is_said_of_kept_documents_too():
    rule = filters.Length(5)
    assert rule.judge(Document("12345")) == Verdict(5, None)
    assert rule.judge(Document("1234")) == Verdict(4, Drop("length_under_5", 4))


def test_a_rewriter_in_a_chain_changes_what_later_filters_see():
    rules = (filters.RedactSecrets(), filters.Length(10))
    text = "ann.marie@acme-industries.io"
    assert filters.first_drop(rules, Document(text)) == Drop("length_under_10", len("<EMAIL>"))
    assert filters.first_drop(rules[1:], Document(text)) is None


def test_a_value_is_computed_once_for_all_filters_of_a_document():
    calls = []

    def words(text, start):
        calls.append(start)
        return text.split()[start:]

    document = Document("a b c")
    assert document.once(words, 1) == document.once(words, 1) == ["b", "c"]
    assert document.once(words, 2) == ["c"]
    assert calls == [1, 2]


def test_numbers_of_the_metadata():
    assert Document("", more={"users": "3"}).number("users") == 3
    for more in ({}, {"users": "many"}):
        with pytest.raises(UserError, match=r"the users of a\.txt is .*must be a number"):
            Document("", path="a.txt", more=more).number("users")


def test_but_not():
    rule = filters.LongestLine(3, but_not=("markdown",))
    assert rule.applies_to("html")
    assert not rule.applies_to("markdown")
    assert rule.drop(Document("long line", "markdown")) is None
    assert rule.drop(Document("long line", "html")) == Drop("longest_line_over_3", 9)


def test_as_a_preprocessor_it_agrees_with_its_verdict():
    made = documents(300, seed=1)
    texts, languages = [text for text, _ in made], [language for _, language in made]
    for rule in filters.MARKUP:
        left = rule(dataset(text=texts, language=languages, number=range(300)))
        kept = [d["number"] for d in left.as_numpy_iterator()]
        assert kept == [i for i, (t, la) in enumerate(made) if not rule.drop(Document(t, la))]


def test_as_a_preprocessor_it_sees_the_metadata():
    paths = ["src/a.py", "test/b.py", "é/c.py"]
    left = NotUnder("test/")(dataset(text=["a"] * 3, path=paths))
    assert [d["path"].decode() for d in left.as_numpy_iterator()] == ["src/a.py", "é/c.py"]
    left = NotUnder("é/")(dataset(text=["a"] * 3, path=paths))
    assert [d["path"].decode() for d in left.as_numpy_iterator()] == ["src/a.py", "test/b.py"]


def test_a_filter_wants_the_metadata_that_it_looks_at():
    with pytest.raises(UserError, match=r"no feature 'language'.*without `only`"):
        filters.LongestLine(3, only=("html",))(dataset(text=["a"]))
    with pytest.raises(UserError, match="no feature 'path': add one in the source"):
        NotUnder("test/")(dataset(text=["a"]))


def test_an_integral_bound_is_one_filter_as_int_and_as_float():
    whole, fraction = filters.MeanLine(100), filters.MeanLine(100.0)
    assert preprocessor_fingerprint(whole) == preprocessor_fingerprint(fraction)
