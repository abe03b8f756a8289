"""Corpora that are compared with each other: prepared together, kept under what they were judged
against, and the same whoever does it."""

import dataclasses
import json
import shutil

import pytest
import seqio

from code_ablate.data.preparing import contamination_record, local, prepare
from code_ablate.data.preparing.evaluation_items import EvaluationItem, ItemPart
from code_ablate.data.preparing.leak_index import Decontamination
from code_ablate.data.preparing.near_duplicates import (
    IN_EARLIER_CORPUS,
    NEAR_DUPLICATE,
    NEAR_VALIDATION,
    Deduplication,
)
from code_ablate.data.preparing.prepare import make_stores, plan_store
from code_ablate.data.preparing.prepared import explain_missing, find_stores
from code_ablate.data.sources.built import BuiltCorpus
from code_ablate.errors import MissingData, UserError
from tests.data.preparing.corpora import FEATURES, HERE, register, stored
from tests.data.preparing.test_finished_pieces import content
from tests.data.preparing.test_near_duplicates import sentence


def config(*order: str, **fields):
    near = Deduplication(ngram=2, order=order)
    return dataclasses.replace(HERE, validation_fraction=0.0, near_duplicates=near, **fields)


FIRST = [*(sentence(f"f{i}") for i in range(8)), sentence("f1", changed=1)]
SECOND = [*(sentence(f"s{i}") for i in range(8)), sentence("f2", changed=1), sentence("f3")]


def test_of_two_corpora_the_first_keeps_its_documents(tmp_path, vocabulary):
    a, b = register(FIRST), register(SECOND)
    stores = make_stores((b,), vocabulary, tmp_path, config(a, b), progress=False)
    assert list(stores) == [b]
    dropped = stores[b].manifest.dropped
    assert dropped == {
        IN_EARLIER_CORPUS: {"documents": 2, "bytes": dropped[IN_EARLIER_CORPUS]["bytes"]}
    }
    assert sorted(stored(stores[b], vocabulary)) == sorted(SECOND[:8])
    both = find_stores((a, b), vocabulary, tmp_path, config(a, b))  # the first one was made, too
    assert both[a].manifest.dropped[NEAR_DUPLICATE]["documents"] == 1
    other = make_stores((a, b), vocabulary, tmp_path, config(b, a), progress=False)
    assert other[a].manifest.dropped[IN_EARLIER_CORPUS]["documents"] == 2
    assert other[a].path != both[a].path


def test_the_key_covers_the_others_and_their_order(tmp_path, vocabulary):
    a, b, c = register(FIRST), register(SECOND), register(SECOND[:3])
    orders = [(), (a, b), (b, a), (a, b, c)]
    paths = {plan_store(a, vocabulary, tmp_path, config(*order)).path for order in orders}
    assert len(paths) == 4
    # One outside of the order must not resemble what the others hold out.
    outside = {plan_store(c, vocabulary, tmp_path, config(*order)).path for order in orders[:3]}
    assert len(outside) == 3
    make_stores((a, b), vocabulary, tmp_path, config(a, b), progress=False)
    assert "compared with" in explain_missing(a, vocabulary, tmp_path, config(b, a))


def test_a_corpus_outside_of_the_order_does_not_hold_what_the_others_hold_out(tmp_path, vocabulary):
    subjects = [f"x{i}" for i in range(24)]
    first = register([sentence(subject) for subject in subjects])
    changed = [sentence(subject, changed=1) for subject in subjects]
    one_language = register([*changed, *(sentence(f"y{i}") for i in range(4))])
    settings = dataclasses.replace(config(first), validation_fraction=0.4)
    stores = make_stores(
        (one_language,), vocabulary, tmp_path, settings, progress=False
    )  # the first is made before it
    others = find_stores((first,), vocabulary, tmp_path, settings)[first]
    held_out = set(stored(others, vocabulary, "validation"))
    near_held_out = {c for s, c in zip(subjects, changed, strict=True) if sentence(s) in held_out}
    store = stores[one_language]
    own_validation = set(stored(store, vocabulary, "validation"))
    training = set(stored(store, vocabulary, "train"))
    assert near_held_out - own_validation and near_held_out & own_validation
    # What resembles the others' training documents stays, and so does its own validation.
    everything = {*changed, *(sentence(f"y{i}") for i in range(4))}
    assert training | own_validation == everything - (near_held_out - own_validation)
    left = store.manifest.dropped[NEAR_VALIDATION]["documents"]
    assert left == len(near_held_out - own_validation)
    # Made again it is the same, also where the others are finished.
    shutil.rmtree(store.path)
    again = make_stores((one_language,), vocabulary, tmp_path, settings, progress=False)
    assert again[one_language].manifest.identity == store.manifest.identity


def test_a_store_that_is_lost_is_made_again_as_it_was(tmp_path, vocabulary):
    a, b = register(FIRST), register(SECOND)
    before = make_stores((a, b), vocabulary, tmp_path, config(a, b), progress=False)
    expected, kept = content(before[b]), before[a].manifest.created
    shutil.rmtree(before[b].path)
    after = make_stores((b,), vocabulary, tmp_path, config(a, b), progress=False)
    assert content(after[b]) == expected
    both = find_stores((a, b), vocabulary, tmp_path, config(a, b))
    assert both[a].manifest.created == kept  # the other one was left alone
    assert not list((tmp_path / "stores" / ".scratch").iterdir())


def test_an_unknown_corpus_in_the_order_is_named(tmp_path, vocabulary):
    a = register(FIRST)
    with pytest.raises(UserError, match=r"no corpus named 'prepare\.no_such'"):
        make_stores((a,), vocabulary, tmp_path, config(a, "prepare.no_such"), progress=False)


def test_a_corpus_of_the_order_that_is_not_here_is_named(tmp_path, vocabulary, monkeypatch):
    monkeypatch.setenv("CODE_ABLATE_CORPORA", str(tmp_path / "nothing"))
    seqio.TaskRegistry.add(
        "registry.lost",
        source=BuiltCorpus("prose"),
        preprocessors=[],
        output_features=FEATURES,
    )
    a = register(FIRST)
    with pytest.raises(MissingData, match=r"leave registry\.lost out of Deduplication\.order"):
        plan_store(a, vocabulary, tmp_path, config("registry.lost"))


class Stopped(BaseException):
    pass


def test_what_was_extracted_before_a_stop_is_used(tmp_path, vocabulary, monkeypatch):
    a, b = register(FIRST), register(SECOND)
    expected = make_stores((a, b), vocabulary, tmp_path / "whole", config(a, b), progress=False)

    def stopped(*args):
        raise Stopped

    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(prepare._Preparation, "_finish", stopped)
        make_stores((a, b), vocabulary, tmp_path / "again", config(a, b), progress=False)
    monkeypatch.setattr("code_ablate.data.preparing.extract.extract", None)  # calling it fails
    stores = make_stores((a, b), vocabulary, tmp_path / "again", config(a, b), progress=False)
    assert {c: content(s) for c, s in stores.items()} == {
        c: content(s) for c, s in expected.items()
    }


SHARDS = """
import functools, seqio, tensorflow as tf

class Shards(seqio.DataSource):
    supports_arbitrary_sharding, version = True, 1
    def __init__(self, texts, order):
        super().__init__(splits=("train",))
        self._texts, self._order = texts, order
    def digest(self):
        return "the same documents"
    def list_shards(self, split):
        return [str(i) for i in range(4)]
    def get_dataset(self, split="train", shuffle=True, seed=None, shard_info=None, **_):
        shard = shard_info or seqio.ShardInfo(0, 1)
        numbers = self._order[shard.index::shard.num_shards]
        return tf.data.Dataset.from_tensor_slices({"text": [self._texts[i] for i in numbers]})

WORDS = "ab cd ef gh ij kl mn op qr st uv wx yz".split()
TEXTS = [" ".join(w + str(i // 3) for w in WORDS[: 13 - i % 3]) for i in range(90)]
for name, order in (("straight", list(range(90))), ("mixed", [(7 * i) % 90 for i in range(90)])):
    seqio.TaskRegistry.add(f"together.{name}", source=Shards(TEXTS, order),
        preprocessors=[functools.partial(seqio.preprocessors.rekey, key_map={"targets": "text"}),
            seqio.preprocessors.tokenize, seqio.preprocessors.append_eos],
        output_features={"targets": seqio.Feature(seqio.ByteVocabulary())})
"""


@pytest.mark.slow
def test_stores_depend_on_neither_workers_nor_the_order_of_shards(
    tmp_path, vocabulary, monkeypatch
):
    (tmp_path / "shards_together.py").write_text(SHARDS)
    monkeypatch.syspath_prepend(tmp_path)
    quiz = "together.quiz"
    part = ItemPart("prompt", "ab1 cd1 ef1 gh1 ij1 kl1 mn1 op1 qr1")
    source = seqio.FunctionDataSource(lambda split, shuffle_files: None, splits=("validation",))
    source.items_to_find = lambda: [EvaluationItem("1", (part,))]
    seqio.TaskRegistry.add(quiz, source=source, preprocessors=[], output_features=FEATURES)
    kept = []
    for name, workers in (("straight", 1), ("straight", 2), ("mixed", 1)):
        monkeypatch.setattr(local, "SECONDS_HERE", 60 if workers == 1 else 0)
        settings = config(workers=workers, pieces=4, decontamination=Decontamination((quiz,)))
        corpus, folder = f"together.{name}", tmp_path / f"{name}-{workers}"
        modules = ("shards_together",)
        stores = make_stores(
            (corpus,), vocabulary, folder, settings, modules=modules, progress=False
        )
        manifest = stores[corpus].manifest
        clusters = json.loads(json.dumps(manifest.near_duplicates).replace(corpus, "c"))
        record = dataclasses.replace(contamination_record.read(stores[corpus]), corpus="c")
        kept.append((manifest.identity, manifest.dropped, clusters, record))
    assert kept[0] == kept[1] == kept[2]
    assert kept[0][1][NEAR_DUPLICATE]["documents"] == 58
    assert kept[0][2]["sizes"] == {"3": 29} and len(kept[0][3].removed) == 3
