"""What names scores: what changes one changes the name, and nothing else does."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import seqio
import t5.evaluation.metrics
import tensorflow as tf
from etils import epath

from code_ablate.data.fingerprints import installed
from code_ablate.errors import UserError
from code_ablate.evaluation import asked, declarations, kinds, row_choice
from code_ablate.evaluation.domains import KIND as DOMAINS
from code_ablate.evaluation.records import Records
from code_ablate.evaluation.row_choice import choice_key, chosen_rows
from code_ablate.evaluation.sampling import Sampling
from code_ablate.evaluation.suite import Suite
from code_ablate.evaluation.suite_config import SuiteConfig
from code_ablate.identity import identity
from tests.evaluation.test_downstream import Bytes, register, register_generation


class ByteVocabulary(Bytes):
    digest = "bytes"


@pytest.fixture
def add():
    """Registers tasks, and takes them back."""
    names = []

    def of(make, name, **kwargs):
        names.append(make(name, **kwargs))
        return name

    yield of
    for name in names:
        seqio.TaskRegistry.remove(name)
        declarations.forget(name)


def identity_of(name, **settings):
    suite = Suite.of(SuiteConfig(tasks=(name,), **settings), ByteVocabulary(), {}, seq_len=63)
    return suite.parts[0].key.identity


def with_version(monkeypatch, changed):
    """Every distribution has version 1, but one."""
    monkeypatch.setattr(
        installed, "installed_version", lambda name: "2" if name == changed else "1"
    )


@pytest.mark.parametrize("make", [register, register_generation])
def test_rows_that_are_all_used_have_one_name_however_they_are_asked_for(add, make):
    name = add(make, f"asked.{make.__name__}")  # has three rows
    base = identity_of(name)
    for same in ({"max_items": 3}, {"max_items": 4}, {"seed": 1}, {"seed": 5, "max_items": 3}):
        assert identity_of(name, **same) == base, same
    two = {seed: identity_of(name, max_items=2, seed=seed) for seed in range(8)}
    chosen = {seed: tuple(chosen_rows(3, 2, seed)) for seed in two}
    assert base not in two.values()
    for seed in two:
        for other in two:
            assert (two[seed] == two[other]) == (chosen[seed] == chosen[other])
    assert len(set(chosen.values())) == 3  # some seeds make the same choice, and some another


@pytest.mark.parametrize("name", ["jax", "jaxlib", "flax", "seqio"])
def test_versions_of_what_computes_scores_count(add, monkeypatch, name):
    task = add(register, "asked.versions")
    with_version(monkeypatch, None)
    base = identity_of(task)
    with_version(monkeypatch, name)
    assert identity_of(task) != base


def overlap(targets, predictions):
    return {"overlap": float(np.mean([t == p for t, p in zip(targets, predictions, strict=True)]))}


def late_bleu(targets, predictions):
    import sacrebleu

    return {"bleu": sacrebleu.corpus_bleu(predictions, targets).score}


def by_rouge(targets, predictions):
    return t5.evaluation.metrics.rouge(targets, predictions)


METRICS = {
    "own": ([overlap], {"numpy"}, {"t5", "sacrebleu", "nltk", "rouge_score", "scikit-learn"}),
    "imported late": ([late_bleu], {"sacrebleu"}, {"nltk", "rouge_score", "t5"}),
    "t5's squad": (
        [t5.evaluation.metrics.squad],
        {"numpy", "t5"},
        {"sacrebleu", "nltk", "rouge_score", "scikit-learn"},
    ),
    "t5's bleu": ([t5.evaluation.metrics.bleu], {"t5", "sacrebleu"}, {"nltk", "rouge_score"}),
    "a wrapper": ([by_rouge], {"t5", "rouge_score", "nltk"}, {"sacrebleu"}),
}


@pytest.mark.parametrize("metric", METRICS)
def test_versions_of_what_a_metric_reaches_count_and_no_others(add, monkeypatch, metric):
    functions, used, unused = METRICS[metric]
    task = add(register_generation, "asked.metric", metric_fns=functions)
    monkeypatch.setattr(
        "code_ablate.data.preparing.task_run.task_fingerprint", lambda task: {"source": "rows"}
    )  # registers with t5 itself
    with_version(monkeypatch, None)
    base = identity_of(task)
    for name in used | unused:
        with_version(monkeypatch, root_of(name))
        assert (identity_of(task) != base) == (name in used), name


def root_of(distribution):
    """With every name taken for a distribution, that of a package is its own."""
    return {"scikit-learn": "sklearn"}.get(distribution, distribution)


def test_a_seed_counts_where_something_is_drawn(add):
    task = add(register_generation, "asked.sampling")

    def declared(**settings):
        info = declarations.TaskInfo("x", kinds.answers.KIND, sampling=Sampling(**settings))
        declarations.declare(task, info)
        return identity_of(task)

    assert declared(seed=0) == declared(seed=1) == declared(top_p=0.5)
    assert declared(max_tokens=5) != declared()
    drawn = {declared(temperature=0.5, seed=0), declared(temperature=0.5, seed=1)}
    assert len(drawn | {declared(), declared(temperature=0.5, top_p=0.5)}) == 4


def test_a_kind_that_scores_in_another_way_says_so(add, monkeypatch):
    task = add(register, "asked.kind")
    base = identity_of(task)
    changed = dataclasses.replace(kinds.ranked.KIND, version=kinds.ranked.KIND.version + 1)
    monkeypatch.setattr(kinds.ranked, "KIND", changed)
    assert identity_of(task) != base
    monkeypatch.undo()
    monkeypatch.setattr(asked, "FORMAT", asked.FORMAT + 1)
    assert identity_of(task) != base


# --- how many rows there are ---------------------------------------------------------------------


class Counted(seqio.DataSource):
    """Rows that can be counted only by reading them."""

    supports_arbitrary_sharding = True

    def __init__(self, word):
        super().__init__(splits=("validation",))
        self.word, self.rows, self.reads = word, 3, 0

    def digest(self):
        return self.word

    def list_shards(self, split):
        return [split]

    def get_dataset(self, split="validation", shuffle=False, seed=None, **kwargs):
        self.reads += 1
        texts = ["the sky is", "grass is", "snow is", "rain is"][: self.rows]
        answers = [[" blue", " green"]] * self.rows
        rows = {"question": texts, "answers": answers, "gold": [0] * self.rows}
        return tf.data.Dataset.from_tensor_slices(rows)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_rows_are_counted_once(add, cache, monkeypatch):
    source = Counted("azure")
    task = add(register, "asked.counted", source=source)
    monkeypatch.setattr(
        "code_ablate.data.preparing.task_fingerprint._trial", lambda *_: lambda: None
    )  # it reads the first documents, too
    base = identity_of(task)
    read = source.reads
    assert read == 1 and identity_of(task, max_items=3) == base and source.reads == read
    (file,) = (cache / "code_ablate" / "row_counts").iterdir()
    file.write_text(file.read_text().replace('"rows": 3', '"rows": 2'))
    assert identity_of(task) == base and source.reads == read + 1  # damaged: counted again
    source.word = "another"
    identity_of(task)
    assert source.reads == read + 2


def test_what_a_user_says_of_a_source_is_not_believed(add, cache):
    def rows(split, shuffle_files, seed=None):
        return Counted("").get_dataset()

    source = seqio.FunctionDataSource(
        rows, splits=("validation",), num_input_examples={"validation": 2}
    )
    task = add(register, "asked.said", source=source)
    assert identity_of(task, max_items=2) != identity_of(task)


def test_a_source_that_grows_unseen_is_named(add, cache, tmp_path):
    source = Counted("azure")
    task = add(register, "asked.grows", source=source)
    suite = Suite.of(SuiteConfig(tasks=(task,)), ByteVocabulary(), {}, seq_len=63)
    records = Records(epath.Path(tmp_path))
    source.rows = 4
    with pytest.raises(UserError, match=r"'asked\.grows' has 4 rows, and had 3 .* a `version`"):
        suite.prepared([records])


def test_a_cache_that_cannot_be_written_is_said_and_does_no_harm(
    add, tmp_path, monkeypatch, capsys
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    row_choice._say_not_kept.cache_clear()
    assert identity_of(add(register, "asked.no_cache", source=Counted("azure")))
    assert "set XDG_CACHE_HOME" in capsys.readouterr().err


# --- domains -------------------------------------------------------------------------------------


class Documents:
    """A store with the lengths of its documents, EOS among their tokens."""

    manifest = SimpleNamespace(identity="store")

    def __init__(self, *lengths):
        self.ends = np.cumsum(lengths)

    def num_documents(self, split):
        return len(self.ends)

    def document_ends(self, split):
        return self.ends


def domain_identity(store, **settings):
    config = SuiteConfig(domains=("text",), **settings)
    return identity(asked.domain_asked(config, ByteVocabulary(), store, 63).values)


def test_documents_that_are_used_whole_have_one_name(monkeypatch):
    store = Documents(5, 3, 9)
    base = domain_identity(store)
    for same in ({"seed": 1}, {"max_documents": 3}, {"max_document_tokens": 8}):
        assert domain_identity(store, **same) == base, same
    for other in ({"max_documents": 2}, {"max_document_tokens": 7}):
        assert domain_identity(store, **other) != base, other
    with_version(monkeypatch, "jax")
    assert domain_identity(store) != base
    assert DOMAINS.version == 1


def test_a_choice_has_the_name_of_its_rows():
    assert choice_key(3, 3, 0) == choice_key(3, 9, 7) == row_choice.ALL
    assert chosen_rows(3, 3, 0) is None
    keys = {}
    for seed in range(50):
        keys.setdefault(tuple(chosen_rows(5, 2, seed)), set()).add(choice_key(5, 2, seed))
    assert len(keys) == 10 and all(len(names) == 1 for names in keys.values())
    assert len(set().union(*keys.values())) == 10
    assert choice_key(5, 2, 0) != choice_key(50, 2, 0)
