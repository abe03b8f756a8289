"""A corpus with and without a filter, from gin alone."""

import dataclasses

import pytest
import seqio

from code_ablate import config
from code_ablate.data import filters
from code_ablate.data.filters import Length
from code_ablate.data.preparing import extract
from code_ablate.data.preparing.extract import Extraction, Registration
from code_ablate.data.preparing.pieces import Piece
from code_ablate.data.preparing.prepare import make_stores
from code_ablate.data.preparing.runner import Place
from code_ablate.data.registry import resolve_mixture
from code_ablate.data.sources import documents
from code_ablate.data.sources.files import Files
from code_ablate.data.variants import (
    CorpusVariant,
    changed_steps,
    register_variants,
    registered_variants,
)
from code_ablate.errors import UserError
from tests.data.preparing.conftest import vocabularies, vocabulary  # noqa: F401
from tests.data.preparing.corpora import HERE, stored

NAME = "varied.corpus"
GIN = """
short/CorpusVariant.name = 'varied.with_short_ones'
short/CorpusVariant.of = 'varied.corpus'
short/CorpusVariant.without = ('length',)
shorter/CorpusVariant.name = 'varied.shorter_lines'
shorter/CorpusVariant.of = 'varied.corpus'
shorter/CorpusVariant.thresholds = {'longest_line': 20}
CorpusVariants.variants = (@short/CorpusVariant(), @shorter/CorpusVariant())
""".strip().splitlines()


@pytest.fixture(autouse=True)
def corpus(tmp_path):
    rows = ["tiny", "x" * 30, "y" * 60] + [f"some words {i}" for i in range(60)]
    (tmp_path / "rows.jsonl").write_text("".join(f'{{"text": "{row}"}}\n' for row in rows))
    seqio.TaskRegistry.add(
        NAME,
        source=Files(str(tmp_path / "rows.jsonl")),
        preprocessors=[Length(5), filters.LongestLine(40), *documents.TOKENIZE],
        output_features=documents.FEATURES,
    )
    yield
    config.load([])
    seqio.TaskRegistry.remove(NAME)


def everything(store, vocabulary):  # noqa: F811
    return {*stored(store, vocabulary), *stored(store, vocabulary, "validation")}


def test_with_and_without_a_filter_and_with_another_threshold(tmp_path, vocabulary):  # noqa: F811
    config.load([], GIN)
    names = (NAME, "varied.with_short_ones", "varied.shorter_lines")
    stores = make_stores(names, vocabulary, tmp_path / "data", HERE, progress=False)
    texts = {name: everything(store, vocabulary) for name, store in stores.items()}
    assert texts[names[1]] - texts[NAME] == {"tiny"} and texts[NAME] < texts[names[1]]
    assert texts[NAME] - texts[names[2]] == {"x" * 30} and texts[names[2]] < texts[NAME]
    assert len({store.manifest.key for store in stores.values()}) == 3
    assert len(set(stores.identities.values())) == 3
    assert [store.manifest.corpus for store in stores.values()] == list(names)
    assert list(stores[names[1]].manifest.filters) == ["longest_line_over_40"]
    assert list(stores[names[2]].manifest.filters) == ["length_under_5", "longest_line_over_20"]
    again = make_stores(names[1:], vocabulary, tmp_path / "data", HERE, progress=False)
    assert [again[name].path for name in names[1:]] == [stores[name].path for name in names[1:]]


def test_a_variant_is_a_name_like_any_other_until_gin_is_read_again():
    config.load([], GIN)
    assert resolve_mixture("varied.shorter_lines").corpora == ("varied.shorter_lines",)
    assert [v.name for v in registered_variants()] == [
        "varied.with_short_ones",
        "varied.shorter_lines",
    ]
    config.load([], GIN)  # the same names, once more
    config.load([])
    assert registered_variants() == ()
    with pytest.raises(UserError, match=r"no mixture or corpus named 'varied\.shorter_lines'"):
        resolve_mixture("varied.shorter_lines")


def test_what_a_variant_is_belongs_to_the_configuration_of_a_study():
    def configuration(*bindings):
        changed = [*GIN, "Setting.source = 'varied.shorter_lines'", "Setting.base = 'demo.text'"]
        return config.load_study("demo", "demo", bindings=[*changed, *bindings]).configuration

    assert configuration() == configuration()
    assert configuration() != configuration(
        "shorter/CorpusVariant.thresholds = {'longest_line': 21}"
    )
    # One that the study does not use changes nothing.
    assert configuration() == configuration("short/CorpusVariant.without = ('longest_line',)")


def test_a_worker_process_makes_the_variants_that_it_is_told(tmp_path, vocabulary, monkeypatch):  # noqa: F811
    variant = CorpusVariant("varied.of_a_worker", of=NAME, without=("length",))
    register_variants((variant,))
    registration = Registration((), {variant.name: extract_fingerprints(variant.name)})
    assert registration.variants == (variant,)
    register_variants(())
    assert "varied.of_a_worker" not in seqio.TaskRegistry.names()
    monkeypatch.setattr(extract, "_PROCESS", "another process")
    monkeypatch.setattr(extract, "_checked", set())
    piece = Piece(variant.name, "train", 0, 1, vocabulary, 0, str(tmp_path), 10_000)
    result = Extraction(registration)(piece, Place())
    assert [stage.documents for stage in result.stages[:3]] == [63, 63, 62]


def extract_fingerprints(name):
    from code_ablate.data.preparing.task_run import find_task, preprocessor_fingerprints

    return preprocessor_fingerprints(find_task(name))


def steps_of(variant):
    register_variants((variant,))
    made = seqio.TaskRegistry.get(variant.name).preprocessors
    return [step for step in made if isinstance(step, filters.Step)]


def test_thresholds_by_kind_by_parameter_and_by_whole_name():
    def steps(**changes):
        return steps_of(CorpusVariant("varied.v", of=NAME, **changes))

    longest = filters.LongestLine(40)
    assert steps(thresholds={"longest_line": 50.0}) == [Length(5), filters.LongestLine(50)]
    assert steps(thresholds={"longest_line_over_40": 50}) == [Length(5), filters.LongestLine(50)]
    assert steps(thresholds={"length.minimum": 7}) == [Length(7), longest]
    changed = {"length.minimum": 7, "length.maximum": 90}
    assert steps(thresholds=changed) == [Length(7, 90), longest]
    assert steps(without=("length_under_5",)) == [longest]
    assert steps(without=("length", "longest_line")) == []
    added = steps(added=("gopher_repetition", "secrets"))
    assert added == [Length(5), longest, *filters.GOPHER_REPETITION, filters.RedactSecrets()]
    assert steps(without=("length", "longest_line"), added=("secrets",)) == [
        filters.RedactSecrets()
    ]


def test_two_thresholds_of_one_filter_by_its_whole_name():
    rule = Length(50, 5000)
    thresholds = {f"{rule.name}.minimum": 10, f"{rule.name}.maximum": 90}
    variant = CorpusVariant("v", NAME, thresholds=thresholds)
    assert changed_steps([rule], variant) == [Length(10, 90)]


def test_a_variant_of_a_variant():
    first = CorpusVariant("varied.first", of=NAME, without=("length",))
    second = CorpusVariant("varied.second", of="varied.first", thresholds={"longest_line": 9})
    register_variants((first, second))
    made = seqio.TaskRegistry.get("varied.second").preprocessors
    assert [s for s in made if isinstance(s, filters.Step)] == [filters.LongestLine(9)]
    assert registered_variants(("varied.second",)) == (first, second)
    assert registered_variants(("varied.first", NAME)) == (first,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"of": "varied.corpse"},
            r"no corpus \(CorpusVariant\.of\) named 'varied\.corpse'; did yo",
        ),
        ({"without": ("longst_line",)}, r"named 'longst_line'; did you mean 'longest_line'"),
        (
            {"thresholds": {"lenght": 3}},
            r"CorpusVariant\.thresholds\) named 'lenght'; did you mean",
        ),
        (
            {"thresholds": {"length": 3}},
            r"has 2 numbers .* one of length\.minimum, length\.maximum",
        ),
        ({"thresholds": {"length.minimun": 3}}, r"threshold of 'length' .*did you mean 'minimum'"),
        (
            {"thresholds": {"longest_line": 2.5}},
            r"2\.5 for longest_line\.maximum: it must be a who",
        ),
        ({"thresholds": {"longest_line": "x"}}, r"CorpusVariant\.thresholds is .*'x'"),
        ({"added": ("gofer",)}, r"no group of filters .* named 'gofer'; did you mean 'gopher'"),
        (
            {"without": ("length",), "thresholds": {"length.minimum": 2}},
            r"stands in CorpusVariant\.without and in CorpusVariant\.thresholds",
        ),
        ({"name": "a/b"}, r"CorpusVariant\.name is 'a/b': use 1 to"),
        ({"name": "demo.text"}, r"'demo\.text', and a corpus or mixture has that name"),
        ({"name": "demo.code"}, r"'demo\.code', and a corpus or mixture has that name"),
    ],
)
def test_what_cannot_be_is_answered_in_one_message(changes, message):
    import tasks  # noqa: F401

    with pytest.raises(UserError, match=message) as caught:
        register_variants((CorpusVariant(**{"name": "varied.v", "of": NAME, **changes}),))
    assert "\n" not in str(caught.value)
    assert "varied.v" not in seqio.TaskRegistry.names()


def test_through_gin_too():
    bindings = [*GIN, "short/CorpusVariant.without = ('lenght',)"]
    with pytest.raises(UserError, match="did you mean 'length'"):
        config.load([], bindings)
    with pytest.raises(UserError, match=r"CorpusVariants\.variants is"):
        config.load([], ["CorpusVariants.variants = ('varied.corpus',)"])


def test_everything_else_of_the_corpus_stays():
    variant = CorpusVariant("varied.v", of=NAME, without=("length",))
    register_variants((variant,))
    base, made = (seqio.TaskRegistry.get(name) for name in (NAME, "varied.v"))
    assert made.source is base.source and made.output_features == base.output_features
    assert list(made.preprocessors[1:]) == list(base.preprocessors[2:])
    assert dataclasses.asdict(variant)["thresholds"] == {}
