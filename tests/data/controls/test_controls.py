"""Controls: each keeps what it says and destroys what it says."""

import ast
import collections
import re
import subprocess
import sys
import tokenize
from io import StringIO

import pytest
import seqio
from hypothesis import given, settings
from hypothesis import strategies as st

from code_ablate.data import controls, filters
from code_ablate.data.controls.lexing import pieces
from code_ablate.data.filters import Document
from code_ablate.data.filters.languages import AMBIGUOUS, BY_NAME, BY_SUFFIX
from code_ablate.data.preparing.task_fingerprint import preprocessor_fingerprint
from code_ablate.data.sources import documents
from code_ablate.data.sources.base import DocumentSource
from code_ablate.data.variants import CorpusVariant, changed_steps
from code_ablate.errors import UserError

PYTHON = '''"""Prices.

    total([1, 2])
"""
import os.path as where

TABLE = {
    "an entry": 3,  # of a dish
    """not a docstring""": 0x10,
}


@where.cached
class Menu(Exception):
    """Dishes."""


def total(prices: list[int], *, tip=0.5) -> float:
    # All of them.
    shown = f"{prices!r}: {tip:>5} %d" % len(prices)
    return sum(prices) + tip if prices else None
'''

CPP = """// Prices.
#include <vector>
#ifdef TIPS
/* Adds
 * all of them. */
double total(const std::vector<double>& prices) { return add(prices, "tip # no", '/'); }
#endif
"""

ALL = [
    controls.ScrambledNames(),
    controls.ScrambledNames(by="exchange"),
    controls.ScrambledNames(within="corpus"),
    controls.CommentsOnly(),
    controls.CommentsOnly(with_marks=True),
    controls.WithoutComments(),
    controls.StructureOnly(),
    controls.ShuffledTokens(),
    controls.ShuffledLines(),
    controls.RepeatedProse(),
]

WORD = re.compile(r"[^\W\d]\w*")


def python(text: str) -> Document:
    return Document(text, language="python")


def names_of(text: str) -> list[str]:
    """Names of Python source, by Python's own tokenizer."""
    import keyword

    tokens = tokenize.generate_tokens(StringIO(text).readline)
    return [t.string for t in tokens if t.type == tokenize.NAME and not keyword.iskeyword(t.string)]


@pytest.mark.parametrize(
    "text, language", [(PYTHON, "python"), (CPP, "cpp"), ("\r\n\ufeffa = 1\r\n", "python")]
)
def test_pieces_are_the_whole_text(text, language):
    assert "".join(piece.text for piece in pieces(text, language)) == text


@given(st.text(max_size=200))
@settings(deadline=None, max_examples=60)
def test_pieces_are_the_whole_of_any_text(text):
    for language in ("python", "cpp", "html"):
        assert "".join(piece.text for piece in pieces(text, language)) == text


UNKNOWN_TO_PYGMENTS = {"bluespec", "objectscript", "turing"}


def test_languages_of_files_are_those_of_the_lexers():
    named = set(BY_SUFFIX.values()) | set(BY_NAME.values())
    named |= {name for choice in AMBIGUOUS.values() for name in (*choice.forms, choice.default)}
    unknown = set()
    for language in sorted(named):
        try:
            pieces("x = 1\n", language)
        except UserError:
            unknown.add(language)
    assert unknown == UNKNOWN_TO_PYGMENTS


@pytest.mark.parametrize("control", ALL, ids=lambda control: control.name)
def test_a_control_is_a_function_of_the_document(control):
    first = control.text_of(python(PYTHON))
    assert control.text_of(python(PYTHON)) == first != PYTHON


def test_a_control_gives_the_same_in_every_process():
    code = (
        "import sys; from code_ablate.data import controls;"
        "from code_ablate.data.filters import Document;"
        "d = Document(sys.argv[1], language='python');"
        "print(controls.ScrambledNames(seed=3).text_of(d) + controls.ShuffledLines(3).text_of(d))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code, PYTHON],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(outputs) == 1
    assert "return" in outputs.pop()


@pytest.mark.parametrize("by", ["letters", "exchange"])
def test_names_are_replaced_one_to_one_and_all_else_stays(by):
    scrambled = controls.ScrambledNames(by=by).text_of(python(PYTHON))
    ast.parse(scrambled)
    before, after = pieces(PYTHON, "python"), pieces(scrambled, "python")
    assert len(before) == len(after)
    replacement = {}
    for old, new in zip(before, after, strict=True):
        assert old.kind == new.kind
        if old.kind == "name":
            assert replacement.setdefault(old.text, new.text) == new.text
        else:
            assert old == new
    assert len(set(replacement.values())) == len(replacement)
    assert set(names_of(PYTHON)) == set(replacement)
    if by == "exchange":
        assert set(replacement.values()) == set(replacement)
    else:
        assert not set(replacement.values()) & set(replacement)


def test_made_up_names_look_like_names_and_differ_between_documents():
    first = controls.ScrambledNames().text_of(python("priceOf_2 = HTTP\n"))
    other = controls.ScrambledNames().text_of(python("priceOf_2 = HTTPS\n"))
    assert re.fullmatch(r"[a-z]{5}[A-Z][a-z]_2 = [A-Z]{4}\n", first)
    assert first.split(" ")[0] != other.split(" ")[0]
    assert controls.ScrambledNames(seed=1).text_of(python("priceOf_2 = HTTP\n")) != first


def test_a_cipher_gives_a_name_the_same_replacement_in_all_documents():
    cipher = controls.ScrambledNames(within="corpus")
    first = cipher.text_of(python("price = tip\n")).split(" ")[0]
    assert cipher.text_of(python("price = 3\n")).split(" ")[0] == first != "price"


def test_many_short_names_stay_apart():
    text = "".join(f"{a}{b} = 1\n" for a in "abcdefghij" for b in "abcdefghij") + "x = y = z = 2\n"
    names = names_of(controls.ScrambledNames().text_of(python(text)))
    assert len(set(names)) == len(set(names_of(text))) == 102  # "if" is no name


def test_names_of_cpp_are_scrambled_and_directives_are_not():
    text = controls.ScrambledNames().text_of(Document(CPP, language="cpp"))
    assert "#include <vector>" in text and "#ifdef " in text and '"tip # no"' in text
    assert "TIPS" not in text and "total" not in text and "prices" not in text


def test_comments_and_docstrings_alone():
    assert controls.CommentsOnly().text_of(python(PYTHON)) == (
        "Prices.\n\ntotal([1, 2])\nof a dish\nDishes.\nAll of them.\n"
    )
    assert controls.CommentsOnly().text_of(Document(CPP, language="cpp")) == (
        "Prices.\nAdds\nall of them.\n"
    )
    assert "# All of them.\n" in controls.CommentsOnly(with_marks=True).text_of(python(PYTHON))


def test_code_without_comments_is_the_same_program():
    text = controls.WithoutComments().text_of(python(PYTHON))
    for word in ("Prices", "dish", "Dishes", "All of them"):
        assert word not in text
    tree = ast.parse(PYTHON)
    del tree.body[0]
    tree.body[2].body[0].value.value = ...  # all that the class has
    assert ast.dump(ast.parse(text)) == ast.dump(tree)
    assert '"""not a docstring"""' in text


def test_a_line_that_a_comment_leaves_empty_goes_and_other_empty_lines_stay():
    text = controls.WithoutComments().text_of(python("a = 1\n\n# gone\nb = 2  # too\n"))
    assert text == "a = 1\n\nb = 2\n"


def test_structure_alone():
    text = controls.StructureOnly().text_of(
        python("def total(xs):  # so\n    return f(xs, 'a\\n', 3)\n")
    )
    assert text == "def NAME(NAME):\n    return NAME(NAME, STRING, NUMBER)\n"
    words = WORD.findall(controls.StructureOnly().text_of(Document(CPP, language="cpp")))
    assert set(words) <= {"NAME", "STRING", "NUMBER", "double", "const", "return"} | {
        "include", "ifdef", "endif"}  # fmt: skip


def test_tokens_stay_in_their_line_and_white_space_where_it_was():
    text = controls.ShuffledTokens().text_of(python(PYTHON))
    for before, after in zip(PYTHON.split("\n"), text.split("\n"), strict=True):
        assert collections.Counter(before) == collections.Counter(after)
        assert re.match(r"\s*", before)[0] == re.match(r"\s*", after)[0]


def test_lines_are_the_same_lines():
    text = controls.ShuffledLines().text_of(python(PYTHON))
    assert collections.Counter(text.split("\n")) == collections.Counter(PYTHON.split("\n"))
    assert controls.ShuffledLines().text_of(python("one")) == "one"


def test_every_order_of_three_lines_is_as_likely():
    orders = collections.Counter(
        controls.ShuffledLines(seed).text_of(python("a\nb\nc")) for seed in range(3000)
    )
    assert len(orders) == 6
    # Chi-square with five degrees of freedom: over 25.7 with a probability of 1e-4.
    assert sum((n - 500) ** 2 / 500 for n in orders.values()) < 25.7


def prose(sentences: int) -> str:
    """Sentences of words that no two share often."""
    rng = controls.base.generator(7)
    words = ["".join("aeioutrnsl"[int(rng.random() * 10)] for _ in range(6)) for _ in range(900)]
    return " ".join(
        " ".join(words[int(rng.random() * 900)] for _ in range(12)) + "." for _ in range(sentences)
    )


@pytest.mark.parametrize("ratio", [3.2, 4.0, 8.0])
def test_prose_is_repeated_until_it_compresses_as_well_and_no_further(ratio):
    text = prose(400)
    assert controls.compression_ratio(text) < 3.0
    repeated = controls.RepeatedProse(ratio=ratio).text_of(Document(text))
    assert ratio <= controls.compression_ratio(repeated) < 1.05 * ratio
    sentences = set(re.findall(r"[^.]+\.", text))
    assert {s.strip() for s in re.findall(r"[^.]+\.", repeated)} <= {s.strip() for s in sentences}


def test_prose_that_compresses_already_stays_and_hopeless_prose_ends():
    same = "One sentence. " * 200
    assert controls.RepeatedProse(ratio=3.0).text_of(Document(same)) == same
    assert controls.RepeatedProse(ratio=30.0).text_of(Document("Only one.")) == "Only one."


def test_unknown_languages_and_arguments_are_refused():
    with pytest.raises(UserError, match="'klingon' is none that Pygments knows"):
        controls.StructureOnly().text_of(Document("x", language="klingon"))
    with pytest.raises(UserError, match="by='words'"):
        controls.ScrambledNames(by="words")
    with pytest.raises(UserError, match="needs by='letters'"):
        controls.ScrambledNames(by="exchange", within="corpus")
    with pytest.raises(UserError, match="over 1"):
        controls.RepeatedProse(ratio=1.0)


class _Two(DocumentSource):
    def units(self):
        return ["one", "two"]

    def read(self, unit):
        text = f"# the {unit}\n{unit} = 1\n"
        yield {"text": text, "path": unit, "language": "python", "source": "test"}

    def describe(self):
        return ("two",)


@pytest.fixture
def corpus():
    seqio.TaskRegistry.add(
        "controls_test.code",
        source=_Two(),
        preprocessors=[filters.Length(2), *documents.TOKENIZE],
        output_features=documents.FEATURES,
    )
    yield "controls_test.code"
    for name in [n for n in seqio.TaskRegistry.names() if n.startswith("controls_test")]:
        seqio.TaskRegistry.remove(name)


def test_a_derived_corpus_is_the_other_one_rewritten(corpus):
    controls.derive("controls_test.bare", corpus, controls.WithoutComments())
    dataset = seqio.TaskRegistry.get("controls_test.bare").get_dataset(
        None, split="train", shuffle=False
    )
    texts = [seqio.ByteVocabulary().decode(row["targets"].numpy().tolist()[:-1]) for row in dataset]
    assert texts == ["one = 1\n", "two = 1\n"]


def test_only_a_corpus_with_a_known_end_of_its_filters_can_be_derived(corpus):
    with pytest.raises(UserError, match=r"controls_test\.code"):
        controls.derive("controls_test.x", "controls_test.cod", controls.ShuffledLines())
    seqio.TaskRegistry.add(
        "controls_test.other",
        source=_Two(),
        preprocessors=[seqio.preprocessors.tokenize],
        output_features=documents.FEATURES,
    )
    with pytest.raises(UserError, match=r"register 'controls_test\.x' yourself"):
        controls.derive("controls_test.x", "controls_test.other", controls.ShuffledLines())


@pytest.mark.parametrize("control", ALL, ids=lambda control: control.name)
def test_a_control_has_an_identity_of_its_own(control):
    digests = {preprocessor_fingerprint(other)["digest"] for other in ALL}
    assert len(digests) == len(ALL)
    assert preprocessor_fingerprint(control)["digest"] in digests


def test_filters_that_a_variant_adds_stand_before_the_control(corpus):
    steps = [filters.Length(2), controls.ShuffledLines(), *documents.TOKENIZE]
    variant = CorpusVariant("v", "controls_test.code", added=("code_text",))
    made = changed_steps(steps, variant)
    assert made == [filters.Length(2), *filters.CODE_TEXT, *steps[1:]]


def test_documents_that_a_control_changes_are_counted():
    document = python("b\na\n" * 9)
    assert controls.WithoutComments().rewrite(document) == (document, {})
    changed, counts = controls.ShuffledLines().rewrite(document)
    assert counts == {"rewritten": 1} and changed.text != document.text
