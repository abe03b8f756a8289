"""Preparation by Apache Beam: the same stores, the same errors, and nothing done twice."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from code_ablate.data.preparing import contamination_record
from code_ablate.data.preparing.beam import BeamConfig, BeamRunner, pipeline_options
from code_ablate.data.preparing.contamination import CONTAMINATED
from code_ablate.data.preparing.exact_duplicates import DUPLICATE
from code_ablate.data.preparing.leak_index import Decontamination
from code_ablate.data.preparing.near_duplicates import (
    IN_EARLIER_CORPUS,
    NEAR_DUPLICATE,
    NEAR_VALIDATION,
    Deduplication,
)
from code_ablate.data.preparing.prepare import PrepareConfig, make_stores
from code_ablate.data.preparing.runner import Place
from code_ablate.data.preparing.scratch import jobs_folder
from code_ablate.data.registry import import_modules
from code_ablate.errors import Failed, UserError
from tests.data.preparing.corpora import HERE
from tests.data.preparing.test_finished_pieces import content

MODULE = '''
import json, os, seqio
from dataclasses import dataclass
from code_ablate.data import filters
from code_ablate.data.filters.base import AtLeast
from code_ablate.data.sources import documents
from code_ablate.data.preparing.evaluation_items import EvaluationItem, ItemPart
from code_ablate.data.sources.files import Files
from code_ablate.errors import UserError

@dataclass(frozen=True)
class Words(AtLeast):
    """Drops documents of few words. Notes who looks, and stops at what it is told to."""
    minimum: int = 8
    version = 1  # it looks at the environment
    def measure(self, document):
        with open(os.environ["WHO_LOOKED"], "a") as file:
            file.write(f"{os.getpid()}\\n")
        if os.path.exists(os.environ["WHO_LOOKED"] + ".fail"):
            raise UserError("a filter of the user's says what is wrong.")
        return len(document.text.split())

folder = os.environ["BEAM_CORPORA"]
for name in ("first", "second"):
    seqio.TaskRegistry.add(f"beam.{name}", source=Files(f"{folder}/{name}-*.jsonl"),
        preprocessors=[Words(), *documents.TOKENIZE], output_features=documents.FEATURES)

ITEM = ItemPart("prompt", "ab1 cd1 ef1 gh1 ij1 kl1 mn1 op1 qr1")
source = seqio.FunctionDataSource(lambda split, shuffle_files: None, splits=("validation",))
source.items_to_find = lambda: [EvaluationItem("1", (ITEM,))]
seqio.TaskRegistry.add("beam.quiz", source=source, preprocessors=[],
    output_features=documents.FEATURES)
'''

WORDS = "ab cd ef gh ij kl mn op qr st uv wx yz".split()


def _texts(corpus: int) -> list[str]:
    """Clusters of three, copies, and short ones."""
    near = [" ".join(f"{w}{i // 3}" for w in WORDS[: 13 - i % 3]) for i in range(90)]
    own = [" ".join(f"{w}{corpus}x{i}" for w in WORDS) for i in range(40)]
    return [*near[corpus::2], *own, *own[:5], "too short", *(f"short {i}" for i in range(6))]


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    """Two registered corpora of four files each, which share near-duplicates and leaks."""
    folder = tmp_path_factory.mktemp("corpora")
    for number, name in enumerate(("first", "second")):
        for part in range(4):
            rows = [json.dumps({"text": text}) for text in _texts(number)[part::4]]
            (folder / f"{name}-{part}.jsonl").write_text("\n".join(rows))
    (folder / "corpora_for_beam.py").write_text(MODULE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEAM_CORPORA", str(folder))
        patch.setenv("WHO_LOOKED", str(folder / "looked"))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ["PYTHONPATH"]]))
        patch.syspath_prepend(folder)
        import_modules(("corpora_for_beam",))
        yield ("beam.first", "beam.second")


CONFIG = dataclasses.replace(
    HERE,
    pieces=4,
    near_duplicates=Deduplication(ngram=2, order=("beam.first", "beam.second")),
    decontamination=Decontamination(("beam.quiz",)),
)


def _prepare(corpora, vocabulary, folder, *options, config: PrepareConfig = CONFIG):
    runner = BeamRunner(options, jobs_folder(folder), progress=False) if options else None
    stores = make_stores(
        corpora,
        vocabulary,
        folder,
        config,
        modules=("corpora_for_beam",),
        progress=False,
        runner=runner,
    )
    assert not list((Path(folder) / "stores").glob(".jobs/*"))
    return stores


ONE = ("--runner=DirectRunner",)
TWO = (*ONE, "--direct_num_workers=2", "--direct_running_mode=multi_processing")
PORTABLE = ("--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK")


@pytest.fixture(scope="module")
def local(corpora, vocabulary, tmp_path_factory):
    return _prepare(corpora, vocabulary, tmp_path_factory.mktemp("local"))


def _looked(corpora) -> set[int]:
    path = Path(os.environ["WHO_LOOKED"])
    processes = set(map(int, path.read_text().split())) if path.exists() else set()
    path.unlink(missing_ok=True)
    return processes


@pytest.mark.parametrize(
    "options", [ONE, pytest.param(TWO, marks=pytest.mark.slow), pytest.param(PORTABLE)]
)
def test_stores_are_those_of_local_processes(corpora, local, vocabulary, tmp_path, options):
    _looked(corpora)
    made = _prepare(corpora, vocabulary, tmp_path, *options)
    processes = _looked(corpora)
    assert len(processes) == (2 if options == TWO else 1)
    assert (os.getpid() in processes) == (options != TWO)
    for corpus in corpora:
        assert content(made[corpus]) == content(local[corpus])
    first, second = (local[corpus].manifest.dropped for corpus in corpora)
    for dropped in (first, second):  # all that is compared did happen
        assert dropped["words_under_8"]["documents"] == 7
        assert dropped[DUPLICATE]["documents"] == 5
        assert dropped[CONTAMINATED]["documents"] > 0
    assert first[NEAR_DUPLICATE]["documents"] > 0
    assert second[IN_EARLIER_CORPUS]["documents"] + second[NEAR_VALIDATION]["documents"] > 20
    assert contamination_record.read(made["beam.first"]).removed


@pytest.mark.parametrize("options", [ONE, pytest.param(TWO, marks=pytest.mark.slow)])
def test_an_error_of_a_worker_is_raised_as_it_was(corpora, vocabulary, tmp_path, options):
    flag = Path(os.environ["WHO_LOOKED"] + ".fail")
    flag.touch()
    try:
        with pytest.raises(UserError, match="^a filter of the user's says what is wrong.$"):
            _prepare(corpora, vocabulary, tmp_path, *options)
    finally:
        flag.unlink()
