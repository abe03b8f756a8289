import dataclasses
import functools
import hashlib
import itertools
import json
import os
import threading

import numpy as np
import pytest
import seqio
import tensorflow as tf

from code_ablate.data.preparing import local as workers_module
from code_ablate.data.preparing import prepare as prepare_module
from code_ablate.data.preparing.assemble import document_order
from code_ablate.data.preparing.extract import check_registration
from code_ablate.data.preparing.inspect import describe_store, show_documents, show_windows
from code_ablate.data.preparing.prepare import (
    PrepareConfig,
    explain_missing,
    find_store,
    prepare,
    store_key,
)
from code_ablate.data.preparing.task_fingerprint import source_digest
from code_ablate.data.store import TokenStore
from code_ablate.data.vocabulary import Vocabulary, VocabularyConfig, resolve, train_model
from code_ablate.errors import UserError
from tests.data.test_fingerprint import Shorter

FEATURES = {"targets": seqio.Feature(seqio.ByteVocabulary(), add_eos=True)}
TOKENIZE = (
    functools.partial(seqio.preprocessors.rekey, key_map={"targets": "text"}),
    seqio.preprocessors.tokenize,
    seqio.preprocessors.append_eos,
)
HERE = PrepareConfig(workers=1, validation_fraction=0.1)
_numbers = itertools.count()


def texts(count: int, first: int = 0) -> list[str]:
    """Different documents of different lengths, with what text files have in them."""
    words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"]
    return [
        f"document {i}\r\n\t" + f"  {words[i % 10]} line {i * i} é😀 " * (i % 13)
        for i in range(first, first + count)
    ]


@pytest.fixture(scope="module")
def vocabularies(tmp_path_factory) -> tuple[Vocabulary, Vocabulary]:
    directory = tmp_path_factory.mktemp("vocabularies")
    made = []
    for size in (330, 340):
        path = directory / f"{size}.model"
        path.write_bytes(train_model(texts(200), size))
        made.append(resolve(VocabularyConfig(str(path), size=size), directory))
    return made[0], made[1]


@pytest.fixture(scope="module")
def vocabulary(vocabularies) -> Vocabulary:
    return vocabularies[0]


def register(
    documents, preprocessors=TOKENIZE, *, splits=None, name=None, features=FEATURES
) -> str:
    """A corpus of these documents under a new name."""
    by_split = {"train": documents, **(splits or {})}

    def dataset(split, shuffle_files):
        return tf.data.Dataset.from_tensor_slices({"text": tf.constant(by_split[split], tf.string)})

    name = name or f"prepare.corpus_{next(_numbers)}"
    seqio.TaskRegistry.add(
        name,
        source=seqio.FunctionDataSource(dataset, splits=tuple(by_split)),
        preprocessors=list(preprocessors),
        output_features=features,
    )
    return name


def stored(store: TokenStore, vocabulary: Vocabulary, split: str = "train") -> list[str]:
    result = []
    for i in range(store.num_documents(split)):
        ids = store.read_document(i, split)
        assert ids[-1] == vocabulary.eos_id and vocabulary.eos_id not in ids[:-1]
        result.append(vocabulary.decode(ids))
    return result


def one(corpus, vocabulary, data_dir, config=HERE, **kwargs) -> TokenStore:
    return prepare((corpus,), vocabulary, data_dir, config, progress=False, **kwargs)[corpus]


def test_no_document_and_no_token_is_lost(tmp_path, vocabulary):
    documents = texts(200)
    store = one(register(documents), vocabulary, tmp_path)
    train, validation = stored(store, vocabulary), stored(store, vocabulary, "validation")
    assert sorted(train + validation) == sorted(documents)
    assert 5 < len(validation) < 40  # a tenth, by hash
    assert train != sorted(train, key=documents.index)  # shuffled
    assert store.document_bytes().tolist() == [len(t.encode()) for t in train]
    # Tokens are the vocabulary's, and all of them stand in windows.
    expected = np.concatenate(
        [np.append(ids, vocabulary.eos_id) for ids in vocabulary.encode(train)]
    )
    windows = store.read_windows(np.arange(store.num_windows(50)), 50)
    tail = len(expected) - 1 - windows[:, 1:].size
    assert 0 <= tail < 50
    np.testing.assert_array_equal(windows[:, 1:].reshape(-1), expected[1 : len(expected) - tail])
    store.verify()


def test_dropped_documents_are_accounted_for_by_name(tmp_path, vocabulary):
    def no_seven(dataset):
        return dataset.filter(
            lambda d: tf.logical_not(tf.strings.regex_full_match(d["text"], "(?s).*7.*"))
        )

    def after_tokenizing(dataset):
        return dataset.filter(lambda d: tf.shape(d["targets"])[0] > 20)

    documents = [*texts(200), "", "same text 😀", "same text 😀", "same text 😀"]
    chain = [Shorter(200), no_seven, *TOKENIZE, after_tokenizing]
    manifest = one(register(documents, chain), vocabulary, tmp_path).manifest
    long = [d for d in documents if len(d.encode()) > 200]
    seven = [d for d in documents if d not in long and "7" in d]
    assert manifest.read == {"documents": 204, "bytes": sum(len(d.encode()) for d in documents)}
    assert manifest.dropped["bytes_over_200"] == {
        "documents": len(long),
        "bytes": sum(len(d.encode()) for d in long),
    }
    assert manifest.dropped["no_seven"]["documents"] == len(seven)
    assert (
        manifest.dropped["after_tokenizing"]["documents"] >= 4
    )  # the empty one and three small ones
    for unit in ("documents", "bytes"):
        dropped = sum(entry[unit] for entry in manifest.dropped.values())
        kept = sum(split[unit] for split in manifest.splits.values())
        assert manifest.read[unit] == kept + dropped
    assert not manifest.added


def test_empty_and_equal_documents_are_dropped_and_counted(tmp_path, vocabulary):
    documents = [*texts(20), "", "", *texts(5)]
    corpus = register(documents)
    store = one(corpus, vocabulary, tmp_path)
    everything = stored(store, vocabulary) + stored(store, vocabulary, "validation")
    assert sorted(everything) == sorted(texts(20))
    assert store.manifest.dropped["empty_document"] == {"documents": 2, "bytes": 0}
    assert store.manifest.dropped["exact_duplicate"] == {
        "documents": 5,
        "bytes": sum(len(t.encode()) for t in texts(5)),
    }
    config = dataclasses.replace(HERE, deduplicate=False)
    kept = one(corpus, vocabulary, tmp_path, config)
    everything = stored(kept, vocabulary) + stored(kept, vocabulary, "validation")
    assert sorted(everything) == sorted(texts(20) + texts(5))
    assert not set(stored(kept, vocabulary)) & set(stored(kept, vocabulary, "validation"))


def test_documents_that_a_preprocessor_adds_are_counted(tmp_path, vocabulary):
    def lines(dataset):
        return dataset.flat_map(
            lambda d: tf.data.Dataset.from_tensor_slices(
                {"text": tf.strings.split(d["text"], "\n")}
            )
        )

    store = one(register(["one\ntwo\nthree", "four"], [lines, *TOKENIZE]), vocabulary, tmp_path)
    both = stored(store, vocabulary) + stored(store, vocabulary, "validation")
    assert sorted(both) == ["four", "one", "three", "two"]
    assert store.manifest.added == {"lines": {"documents": 2, "bytes": 0}}
    assert store.manifest.dropped["lines"] == {"documents": 0, "bytes": 2}  # the line ends


def test_validation_is_stable_when_documents_are_added(tmp_path, vocabulary):
    def split(documents, config=HERE):
        store = one(register(documents), vocabulary, tmp_path, config)
        train, validation = (set(stored(store, vocabulary, s)) for s in ("train", "validation"))
        assert not train & validation
        return train, validation

    train, validation = split(texts(150))
    larger_train, larger_validation = split(texts(300)[::-1])
    assert validation <= larger_validation and train <= larger_train
    # Nor does it hang on the seed of the order, and a larger fraction takes more.
    assert split(texts(150), dataclasses.replace(HERE, seed=5))[1] == validation
    assert validation < split(texts(150), dataclasses.replace(HERE, validation_fraction=0.3))[1]
    assert split(texts(150), dataclasses.replace(HERE, validation_fraction=0.0))[1] == set()


def test_a_validation_split_of_the_source_is_used(tmp_path, vocabulary):
    validation = texts(10, first=100)
    leaking = [*texts(50), *validation[:4]]
    corpus = register(leaking, splits={"validation": validation})
    for config in (HERE, dataclasses.replace(HERE, deduplicate=False)):
        store = one(corpus, vocabulary, tmp_path, config)
        assert sorted(stored(store, vocabulary)) == sorted(texts(50))
        assert sorted(stored(store, vocabulary, "validation")) == sorted(validation)
        assert store.manifest.dropped["equals_validation_document"]["documents"] == 4


def test_order_is_a_permutation_keyed_by_the_seed(tmp_path, vocabulary):
    corpora = [register(texts(100)), register(texts(100)[::-1])]
    first, other_order = (stored(one(c, vocabulary, tmp_path), vocabulary) for c in corpora)
    assert first == other_order  # what order the source has does not matter
    seeded = one(corpora[0], vocabulary, tmp_path, dataclasses.replace(HERE, seed=1))
    assert stored(seeded, vocabulary) != first and sorted(stored(seeded, vocabulary)) == sorted(
        first
    )
    # The relative order of documents stays when others join them.
    more = stored(one(register(texts(160)), vocabulary, tmp_path), vocabulary)
    assert [t for t in more if t in set(first)] == first


def test_document_order_is_uniform():
    hashes = np.frombuffer(
        b"".join(hashlib.blake2b(bytes([i]), digest_size=16).digest() for i in range(4)), "<u8"
    ).reshape(-1, 2)
    orders = [tuple(document_order(hashes, seed)) for seed in range(4800)]
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert len(counts) == 24 and counts.min() > 150 and counts.max() < 260  # 200 expected


def test_store_identity_is_the_content(tmp_path, vocabularies):
    first, second = vocabularies
    corpus = register(texts(60))
    identity = one(corpus, first, tmp_path / "a").manifest.identity
    assert one(corpus, first, tmp_path / "b").manifest.identity == identity
    assert one(register(texts(60)), first, tmp_path / "c").manifest.identity == identity
    assert one(register(texts(61)), first, tmp_path / "d").manifest.identity != identity
    assert one(corpus, second, tmp_path / "e").manifest.identity != identity


WORKER_MODULE = """
import functools, seqio, tensorflow as tf

class Lines(seqio.DataSource):
    def __init__(self, count):
        super().__init__(splits=("train",))
        self.count = count
    supports_arbitrary_sharding = True
    def digest(self):
        return str(self.count)
    def skipped(self):
        return {"too_long": 2, "missing": 0}
    def list_shards(self, split):
        return [str(i) for i in range(6)]
    def get_dataset(self, split="train", shuffle=True, seed=None, shard_info=None, **_):
        shard = shard_info or seqio.ShardInfo(0, 1)
        numbers = range(shard.index, self.count, shard.num_shards)
        return tf.data.Dataset.from_tensor_slices(
            {"text": [f"text {i % 290} " + "word " * (i % 290 % 7) for i in numbers]})

def long_enough(dataset):
    return dataset.filter(lambda d: tf.strings.length(d["text"]) > 9)

def register(name, source):
    seqio.TaskRegistry.add(name, source=source,
        preprocessors=[long_enough,
            functools.partial(seqio.preprocessors.rekey, key_map={"targets": "text"}),
            seqio.preprocessors.tokenize, seqio.preprocessors.append_eos],
        output_features={"targets": seqio.Feature(seqio.ByteVocabulary())})

register("workers.first", Lines(300))
register("workers.second", Lines(50))
"""


@pytest.fixture(scope="module")
def worker_module(tmp_path_factory):
    directory = tmp_path_factory.mktemp("modules")
    (directory / "corpora_for_workers.py").write_text(WORKER_MODULE)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(directory)
        yield "corpora_for_workers"


@pytest.mark.slow
def test_the_number_of_workers_changes_nothing(tmp_path, vocabulary, worker_module, monkeypatch):
    monkeypatch.setattr(workers_module, "SECONDS_HERE", 0)  # straight to the workers
    corpora = ("workers.first", "workers.second")
    made = {}
    for label, config in {
        "one": HERE,
        "two": dataclasses.replace(HERE, workers=2, pieces=4),
        "other pieces": dataclasses.replace(HERE, pieces=1),
    }.items():
        made[label] = prepare(
            corpora, vocabulary, tmp_path / label, config, modules=(worker_module,), progress=False
        )
    for corpus in corpora:
        plain = [
            dataclasses.replace(stores[corpus].manifest, created="") for stores in made.values()
        ]
        assert plain[0] == plain[1] == plain[2]
        assert plain[0].read["documents"] == {"workers.first": 300, "workers.second": 50}[corpus]
        assert plain[0].skipped == {"too_long": 2}
    assert made["two"]["workers.first"].manifest.dropped["exact_duplicate"]["documents"] > 0
    assert not os.listdir(tmp_path / "two" / "stores" / ".scratch")


def test_workers_refuse_a_corpus_that_is_not_the_one_meant():
    with pytest.raises(UserError, match=r"not registered in a worker process.*--import"):
        check_registration("prepare.not_here", [])
    other = [{"name": "rekey", "digest": "of something else"}]
    with pytest.raises(UserError, match="other preprocessors in a worker process"):
        check_registration(register(texts(3)), other)


def test_a_task_written_for_t5x_works_unchanged(tmp_path, vocabulary):
    """Own preprocessors, TextLineDataSource, a cache placeholder, another vocabulary in the
    features."""
    file = tmp_path / "lines.txt"
    file.write_text("\n".join(f"Line {i} of a file." for i in range(40)))

    @seqio.map_over_dataset
    def lowercase(line):
        return {"inputs": "", "targets": tf.strings.lower(line)}

    seqio.TaskRegistry.add(
        "prepare.t5x",
        source=seqio.TextLineDataSource({"train": str(file)}),
        preprocessors=[
            lowercase,
            seqio.preprocessors.tokenize,
            seqio.CacheDatasetPlaceholder(),
            seqio.preprocessors.append_eos_after_trim,
        ],
        output_features={
            "inputs": seqio.Feature(seqio.ByteVocabulary(extra_ids=100), add_eos=False),
            "targets": seqio.Feature(seqio.ByteVocabulary(extra_ids=100), add_eos=True),
        },
        metric_fns=[],
    )
    store = one("prepare.t5x", vocabulary, tmp_path)
    both = stored(store, vocabulary) + stored(store, vocabulary, "validation")
    assert sorted(both) == sorted(f"line {i} of a file." for i in range(40))
    before = store.manifest.key
    file.write_text("another content")
    assert store_key(seqio.TaskRegistry.get("prepare.t5x"), vocabulary, HERE) != before


@pytest.mark.parametrize("add_eos", [True, False])
@pytest.mark.parametrize("keep_text", [True, False])
def test_eos_is_added_where_the_task_does_not(tmp_path, vocabulary, add_eos, keep_text):
    chain = [
        TOKENIZE[0],
        functools.partial(seqio.preprocessors.tokenize, copy_pretokenized=keep_text),
    ]
    features = {"targets": seqio.Feature(seqio.ByteVocabulary(), add_eos=add_eos)}
    plain = one(register(texts(30), chain, features=features), vocabulary, tmp_path)
    usual = one(register(texts(30)), vocabulary, tmp_path)
    assert plain.manifest.identity == usual.manifest.identity  # bytes of text among the content


def test_tasks_that_do_not_fit_are_refused(tmp_path, vocabulary):
    def own_vocabulary(dataset):
        return dataset.map(lambda d: {"targets": seqio.ByteVocabulary().encode_tf(d["text"]), **d})

    def halves(dataset):
        return dataset.flat_map(
            lambda d: tf.data.Dataset.from_tensor_slices([0, 1]).map(
                lambda i: {**d, "targets": d["targets"][i::2]}
            )
        )

    def with_inputs(dataset):
        return dataset.map(lambda d: {"inputs": [3, 4], **d})

    for chain, message in (
        ([own_vocabulary], "vocabulary of its own"),
        ([*TOKENIZE, halves], "same text and different tokens"),
        ([*TOKENIZE, with_inputs], "inputs beside its targets"),
        ([TOKENIZE[0]], "vector of token ids"),
    ):
        with pytest.raises(UserError, match=message):
            one(register(texts(30), chain), vocabulary, tmp_path)


def test_unknown_and_empty_corpora_are_refused(tmp_path, vocabulary):
    with pytest.raises(UserError, match="no corpus named"):
        one("prepare.no_such", vocabulary, tmp_path)
    corpus = register(texts(20), [Shorter(3), *TOKENIZE])
    with pytest.raises(UserError, match=r"no documents to train on.*gave 20.*20 as bytes_over_3"):
        one(corpus, vocabulary, tmp_path)
    assert find_store(corpus, vocabulary, tmp_path, HERE) is None
    with pytest.raises(UserError, match="no module named 'no_such_module'"):
        one(corpus, vocabulary, tmp_path, modules=("no_such_module",))


def test_a_finished_store_is_found_and_not_made_again(tmp_path, vocabulary, monkeypatch):
    corpus = register(texts(20))
    assert find_store(corpus, vocabulary, tmp_path, HERE) is None
    assert "was prepared" in explain_missing(corpus, vocabulary, tmp_path, HERE)
    store = one(corpus, vocabulary, tmp_path)
    assert str(find_store(corpus, vocabulary, tmp_path, HERE)) == store.path
    assert store.path == str(tmp_path / "stores" / f"{corpus}-{store.manifest.key[:12]}")
    assert explain_missing(corpus, vocabulary, tmp_path, HERE) == ""
    monkeypatch.setattr(prepare_module, "_prepare_missing", None)  # calling it would fail
    assert one(corpus, vocabulary, tmp_path).manifest == store.manifest


class Killed(BaseException):
    pass


@pytest.mark.parametrize("killed_in", ["finish", "_write_array"])
def test_an_interrupted_preparation_starts_afresh(tmp_path, vocabulary, monkeypatch, killed_in):
    def killed(*args, **kwargs):
        raise Killed

    corpus = register(texts(40))
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(f"code_ablate.data.store.StoreWriter.{killed_in}", killed)
        one(corpus, vocabulary, tmp_path)
    assert find_store(corpus, vocabulary, tmp_path, HERE) is None
    assert "half-written" in explain_missing(corpus, vocabulary, tmp_path, HERE)
    (unfinished,) = (p for p in (tmp_path / "stores").iterdir() if p.name.startswith(corpus))
    with pytest.raises(UserError, match="half-written"):
        TokenStore.open(unfinished)
    recovered = one(corpus, vocabulary, tmp_path)
    recovered.verify()
    whole = one(register(texts(40)), vocabulary, tmp_path)
    assert recovered.manifest.identity == whole.manifest.identity


def test_what_a_killed_run_left_behind_does_not_matter(tmp_path, vocabulary):
    corpus = register(texts(40))
    expected = one(corpus, vocabulary, tmp_path / "clean")
    scratch = tmp_path / "stores" / ".scratch" / os.path.basename(expected.path)
    scratch.mkdir(parents=True)
    (scratch / f"{corpus}-train-0.tokens").write_bytes(b"garbage of a run before")
    assert one(corpus, vocabulary, tmp_path).manifest.identity == expected.manifest.identity
    assert not scratch.exists()


def test_the_second_of_two_preparations_waits_and_finds_the_store(
    tmp_path, vocabulary, monkeypatch
):
    corpus = register(texts(40))
    runs, waited = [], threading.Event()
    original = prepare_module._prepare_missing

    def first_one_slow(*args):
        runs.append(args)
        assert waited.wait(120)  # goes on when the other one stands before the lock
        original(*args)

    monkeypatch.setattr(prepare_module, "_prepare_missing", first_one_slow)
    monkeypatch.setattr(prepare_module.tqdm, "write", lambda text: waited.set())
    results = []

    def work():
        results.append(one(corpus, vocabulary, tmp_path).manifest.identity)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs) == 1 and len(results) == 2 and results[0] == results[1]


def test_keys_change_with_everything_that_matters(tmp_path, vocabularies):
    documents = texts(30)
    task = seqio.TaskRegistry.get(register(documents))
    base = store_key(task, vocabularies[0], HERE)
    assert store_key(task, vocabularies[0], dataclasses.replace(HERE, workers=7, pieces=3)) == base
    same = seqio.TaskRegistry.get(register(documents))
    assert store_key(same, vocabularies[0], HERE) == base
    others = [
        store_key(task, vocabularies[1], HERE),
        store_key(task, vocabularies[0], dataclasses.replace(HERE, seed=1)),
        store_key(task, vocabularies[0], dataclasses.replace(HERE, validation_fraction=0.2)),
        store_key(task, vocabularies[0], dataclasses.replace(HERE, deduplicate=False)),
    ]
    for documents_, chain in (
        (texts(31), TOKENIZE),
        (documents, (Shorter(100), *TOKENIZE)),
        (documents, (Shorter(101), *TOKENIZE)),
    ):
        changed = seqio.TaskRegistry.get(register(documents_, chain))
        others.append(store_key(changed, vocabularies[0], HERE))
    assert len({base, *others}) == 8


def test_a_miss_is_explained_field_by_field(tmp_path, vocabularies):
    corpus = register(texts(30), (Shorter(100), *TOKENIZE))
    one(corpus, vocabularies[0], tmp_path)

    def explain(vocabulary=vocabularies[0], config=HERE):
        return explain_missing(corpus, vocabulary, tmp_path, config)

    assert "another vocabulary" in explain(vocabularies[1])
    assert "seed: 0 -> 3" in explain(config=dataclasses.replace(HERE, seed=3))
    seqio.TaskRegistry.remove(corpus)
    register(texts(31), (Shorter(90), *TOKENIZE), name=corpus)
    message = explain()
    assert "source has changed" in message
    assert "'bytes_over_100' is gone" in message and "'bytes_over_90' is new" in message
    assert "vocabulary" not in message and "seed" not in message


def test_inspection_shows_what_is_trained_on(tmp_path, vocabulary):
    documents = [*texts(60), texts(1)[0]]
    store = one(register(documents, (Shorter(150), *TOKENIZE)), vocabulary, tmp_path)
    table = describe_store(store)
    dropped = store.manifest.dropped["bytes_over_150"]
    assert f"bytes_over_150 {dropped['documents']}" in " ".join(table.split())
    assert f"{store.num_tokens():,}" in table and "exact_duplicate" in table
    assert stored(store, vocabulary)[0] in show_documents(store, vocabulary, 2)
    shown = show_windows(store, vocabulary, 40, (0, 1))
    ids = store.read_windows([0, 1], 40)
    assert shown.count("<EOS>") == int((ids == vocabulary.eos_id).sum()) > 0
    for row in ids:
        for part in np.split(row, np.flatnonzero(row == vocabulary.eos_id)):
            assert vocabulary.decode(part) in shown
    with pytest.raises(UserError, match="lower seq_len"):
        show_windows(store, vocabulary, 10**7, (0,))


def test_manifest_file_holds_the_sources_digest_and_versions(tmp_path, vocabulary):
    corpus = register(texts(20))
    store = one(corpus, vocabulary, tmp_path)
    manifest = json.loads(
        (find_store(corpus, vocabulary, tmp_path, HERE) / "manifest.json").read_text()
    )
    assert manifest["source_digest"] == source_digest(seqio.TaskRegistry.get(corpus).source)
    assert manifest["vocabulary"] == {
        "name": vocabulary.name,
        "size": 330,
        "digest": vocabulary.digest,
        "eos_id": 1,
    }
    assert manifest["versions"]["seqio"] and store.manifest.created.endswith("Z")
