"""All four passes: what is stored, found again, and resumed."""

import dataclasses
import functools
import json
import os
import resource
import threading
from pathlib import Path

import numpy as np
import pytest
import seqio
import tensorflow as tf

from code_ablate import locks
from code_ablate.data.preparing import prepare
from code_ablate.data.preparing.prepare import PrepareConfig, plan_store
from code_ablate.data.preparing.prepared import explain_missing, find_stores
from code_ablate.data.preparing.task_fingerprint import source_digest
from code_ablate.data.store import TokenStore
from code_ablate.errors import Failed, UserError
from tests.data.preparing.corpora import (
    FEATURES,
    HERE,
    TOKENIZE,
    Shorter,
    one,
    register,
    store_key,
    stored,
    texts,
)


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


def test_a_validation_split_of_the_source_is_used(tmp_path, vocabulary):
    validation = texts(10, first=100)
    leaking = [*texts(50), *validation[:4]]
    corpus = register(leaking, splits={"validation": validation})
    for config in (HERE, dataclasses.replace(HERE, deduplicate=False)):
        store = one(corpus, vocabulary, tmp_path, config)
        assert sorted(stored(store, vocabulary)) == sorted(texts(50))
        assert sorted(stored(store, vocabulary, "validation")) == sorted(validation)
        assert store.manifest.dropped["equals_validation_document"]["documents"] == 4


def test_store_identity_is_the_content(tmp_path, vocabularies):
    first, second = vocabularies
    corpus = register(texts(60))
    identity = one(corpus, first, tmp_path / "a").manifest.identity
    assert one(corpus, first, tmp_path / "b").manifest.identity == identity
    assert one(register(texts(60)), first, tmp_path / "c").manifest.identity == identity
    assert one(register(texts(61)), first, tmp_path / "d").manifest.identity != identity
    assert one(corpus, second, tmp_path / "e").manifest.identity != identity


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


def test_unknown_and_empty_corpora_are_refused(tmp_path, vocabulary):
    with pytest.raises(UserError, match="no corpus named"):
        one("prepare.no_such", vocabulary, tmp_path)
    corpus = register(texts(20), [Shorter(3), *TOKENIZE])
    with pytest.raises(UserError, match=r"no documents to train on.*gave 20.*20 as bytes_over_3"):
        one(corpus, vocabulary, tmp_path)
    assert not find_stores((corpus,), vocabulary, tmp_path, HERE)
    with pytest.raises(UserError, match="no module named 'no_such_module'"):
        one(corpus, vocabulary, tmp_path, modules=("no_such_module",))


def test_a_finished_store_is_found_and_not_made_again(tmp_path, vocabulary, monkeypatch):
    corpus = register(texts(20))
    assert not find_stores((corpus,), vocabulary, tmp_path, HERE)
    assert "was prepared" in explain_missing(corpus, vocabulary, tmp_path, HERE)
    store = one(corpus, vocabulary, tmp_path)
    assert find_stores((corpus,), vocabulary, tmp_path, HERE)[corpus].path == store.path
    assert store.path == str(tmp_path / "stores" / f"{corpus}-{store.manifest.key[:12]}")
    assert explain_missing(corpus, vocabulary, tmp_path, HERE) == ""
    monkeypatch.setattr(prepare, "_Preparation", None)  # calling it would fail
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
    assert not find_stores((corpus,), vocabulary, tmp_path, HERE)
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
    (scratch / f"{corpus}-train-0-of-1.tokens").write_bytes(b"garbage of a run before")
    assert one(corpus, vocabulary, tmp_path).manifest.identity == expected.manifest.identity
    assert not scratch.exists()


def test_the_second_of_two_preparations_waits_and_finds_the_store(
    tmp_path, vocabulary, monkeypatch
):
    corpus = register(texts(40))
    runs, waited = [], threading.Event()
    original = prepare._Preparation.run

    def first_one_slow(*args):
        runs.append(args)
        assert waited.wait(120)  # goes on when the other one stands before the lock
        original(*args)

    monkeypatch.setattr(prepare._Preparation, "run", first_one_slow)
    monkeypatch.setattr(locks.tqdm, "write", lambda text, file: waited.set())
    results = []

    def work():
        results.append(one(corpus, vocabulary, tmp_path).manifest.identity)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs) == 1 and len(results) == 2 and results[0] == results[1]


def test_manifest_file_holds_the_sources_digest_and_versions(tmp_path, vocabulary):
    corpus = register(texts(20))
    store = one(corpus, vocabulary, tmp_path)
    manifest = json.loads((Path(store.path) / "manifest.json").read_text())
    assert manifest["source_digest"] == source_digest(seqio.TaskRegistry.get(corpus).source)
    assert manifest["vocabulary"] == {
        "name": vocabulary.name,
        "size": 330,
        "digest": vocabulary.digest,
        "eos_id": 1,
    }
    assert manifest["versions"]["seqio"] and store.manifest.created.endswith("Z")


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


@pytest.mark.parametrize("field", ["validation_fraction", "seed", "pieces"])
def test_integral_floats_make_the_same_store_as_integers(tmp_path, vocabulary, field):
    """gin hands over what was typed."""
    corpus = register(texts(30))
    value = 0 if field == "validation_fraction" else 1
    configs = [dataclasses.replace(HERE, **{field: v}) for v in (value, float(value))]
    first, second = (one(corpus, vocabulary, tmp_path, config) for config in configs)
    assert first.path == second.path
    elsewhere = one(corpus, vocabulary, tmp_path / "elsewhere", configs[1])
    assert elsewhere.manifest.identity == first.manifest.identity


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"seed": 0.5}, "PrepareConfig.seed is 0.5"),
        ({"pieces": "4"}, "PrepareConfig.pieces is '4'"),
        ({"validation_fraction": 1}, "below 1"),
        ({"validation_fraction": "0.1"}, "validation_fraction is '0.1'"),
        ({"deduplicate": "no"}, "True or False"),
    ],
)
def test_wrong_settings_are_refused(fields, message):
    with pytest.raises(UserError, match=message):
        PrepareConfig(**fields)


def test_a_key_covers_what_a_corpus_was_judged_against(tmp_path, vocabulary):
    fields = one(register(texts(20)), vocabulary, tmp_path).manifest.key_fields
    assert fields["judged"] == {
        "exact_duplicates": True,
        "near_duplicates": None,
        "decontamination": None,
    }
    assert fields["against"] == [] and fields["items"] == {}


@pytest.mark.parametrize("phase", ["pieces", "store"])
def test_a_disk_that_takes_no_more_is_one_line(tmp_path, vocabulary, monkeypatch, phase):
    """A limit on the size of files acts as a full disk does."""
    corpus = register(texts(400))
    expected = one(corpus, vocabulary, tmp_path / "whole").manifest.identity
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    work = {"pieces": "_extracted", "store": "assemble"}[phase]
    original = getattr(prepare, work)

    def without_space(*args, **kwargs):
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, before[1]))
        return original(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(prepare, work, without_space)
        try:
            with pytest.raises(Failed, match=r"File too large.*ulimit -f.*same command again"):
                one(corpus, vocabulary, tmp_path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert one(corpus, vocabulary, tmp_path).manifest.identity == expected


def test_documents_over_the_limit_are_left_out_and_counted(tmp_path, vocabulary):
    documents = [*texts(30), "long " * 400, "é" * 500, "é" * 501]
    config = dataclasses.replace(HERE, max_document_bytes=1000)
    store = one(register(documents), vocabulary, tmp_path, config)
    assert store.manifest.dropped["over_max_document_bytes"] == {"documents": 2, "bytes": 3002}
    assert store.manifest.read["documents"] == 33
    both = stored(store, vocabulary) + stored(store, vocabulary, "validation")
    assert sorted(both) == sorted([*texts(30), "é" * 500])


def test_the_limit_holds_where_a_task_first_has_text(tmp_path, vocabulary):
    def dataset(split, shuffle_files):
        return tf.data.Dataset.from_tensor_slices({"content": [*texts(30), "long " * 400]})

    rekey = functools.partial(seqio.preprocessors.rekey, key_map={"text": "content"})
    seqio.TaskRegistry.add(
        "prepare.content",
        source=seqio.FunctionDataSource(dataset, splits=("train",)),
        preprocessors=[rekey, *TOKENIZE],
        output_features=FEATURES,
    )
    config = dataclasses.replace(HERE, max_document_bytes=1000)
    manifest = one("prepare.content", vocabulary, tmp_path, config).manifest
    assert manifest.dropped == {"over_max_document_bytes": {"documents": 1, "bytes": 2000}}


def test_the_limit_is_in_the_key(vocabulary, tmp_path):
    corpus = register(texts(3))
    other = dataclasses.replace(HERE, max_document_bytes=1000)
    paths = {plan_store(corpus, vocabulary, tmp_path, config).path for config in (HERE, other)}
    assert len(paths) == 2
