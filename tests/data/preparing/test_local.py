"""Work in this process and in worker processes."""

import dataclasses
import os

import pytest

import gin
from code_ablate.data.preparing import local
from code_ablate.data.preparing.extract import import_modules
from code_ablate.data.preparing.local import LocalRunner
from code_ablate.data.preparing.prepare import make_stores
from tests.data.preparing.corpora import HERE
from tests.data.preparing.squares import square

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
    monkeypatch.setattr(local, "SECONDS_HERE", 0)  # straight to the workers
    corpora = ("workers.first", "workers.second")
    made = {}
    for label, config in {
        "one": HERE,
        "two": dataclasses.replace(HERE, workers=2, pieces=4),
        "other pieces": dataclasses.replace(HERE, pieces=1),
    }.items():
        made[label] = make_stores(
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


GIN_MODULE = """
import functools, gin, seqio, tensorflow as tf

@gin.configurable(module="filters_of_gin")
def longer(dataset, least=0):
    return dataset.filter(lambda d: tf.strings.length(d["text"]) > least)

class Words(seqio.DataSource):
    supports_arbitrary_sharding = True
    def __init__(self):
        super().__init__(splits=("train",))
    def digest(self):
        return "words"
    def list_shards(self, split):
        return ["0", "1", "2", "3"]
    def get_dataset(self, split="train", shuffle=True, seed=None, shard_info=None, **_):
        shard = shard_info or seqio.ShardInfo(0, 1)
        numbers = range(shard.index, 100, shard.num_shards)
        return tf.data.Dataset.from_tensor_slices({"text": ["a" * (1 + i) for i in numbers]})

seqio.TaskRegistry.add("workers.gin", source=Words(),
    preprocessors=[longer,
        functools.partial(seqio.preprocessors.rekey, key_map={"targets": "text"}),
        seqio.preprocessors.tokenize, seqio.preprocessors.append_eos],
    output_features={"targets": seqio.Feature(seqio.ByteVocabulary())})
"""


@pytest.mark.slow
def test_workers_have_the_gin_bindings_of_a_users_filter(tmp_path, vocabulary, monkeypatch):
    (tmp_path / "filters_of_gin.py").write_text(GIN_MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(local, "SECONDS_HERE", 0)  # straight to the workers
    import_modules(("filters_of_gin",))
    config = dataclasses.replace(HERE, workers=2, pieces=4)
    with gin.unlock_config():
        gin.parse_config(
            ["longer.least = %LEAST", "LEAST = 30", "NoSuch.parameter = @no_such()"],
            skip_unknown=True,
        )
    try:
        store = make_stores(
            ("workers.gin",),
            vocabulary,
            tmp_path,
            config,
            modules=("filters_of_gin",),
            progress=False,
        )["workers.gin"]
    finally:
        gin.clear_config()
    assert store.manifest.dropped["longer"]["documents"] == 30
    assert store.manifest.read["documents"] == 100


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_runner_gives_every_result_and_passes_errors_on(workers, monkeypatch):
    monkeypatch.setattr(local, "SECONDS_HERE", 0)
    runner = LocalRunner(workers, progress=False)
    assert sorted(runner.run(square, [1, 2, 3])) == [1, 4, 9]
    assert list(runner.run(square, [])) == []
    with pytest.raises(ValueError, match="below 0"):
        list(runner.run(square, [1, -2, 3]))
