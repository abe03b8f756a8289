"""What several processes find, each on a host with files of its own; who prepares."""

import json
from pathlib import Path

import jax
import pytest
import seqio

from code_ablate.data.preparing.beam import BeamConfig, BeamRunner
from code_ablate.data.preparing.local import LocalRunner
from code_ablate.data.preparing.prepare import PrepareConfig
from code_ablate.data.sources import documents
from code_ablate.data.sources.files import Files
from code_ablate.data.store import Stores
from code_ablate.data.vocabulary import VocabularyConfig
from code_ablate.jobs import workspace
from code_ablate.jobs.workspace import Paths, Workspace
from tests.training.jobs import complete_job


def job(shared):
    """Brings documents to this process' own folder, and says which stores it opens."""
    own = Path(shared) / f"host-{jax.process_index()}"
    own.mkdir()
    lines = [json.dumps({"text": f"The number {n} comes before {n + 1}."}) for n in range(300)]
    (own / "numbers.jsonl").write_text("\n".join(lines))
    seqio.TaskRegistry.add(
        "numbers",
        source=Files(str(own / "*.jsonl")),
        preprocessors=[*documents.TOKENIZE],
        output_features=documents.FEATURES,
    )
    own_workspace = Workspace(Paths(f"{shared}/data", f"{shared}/runs"), modules=())
    config = VocabularyConfig("numbers", size=300, corpora=("numbers",))
    vocabulary = own_workspace.vocabulary(config)
    assert own_workspace.existing_vocabulary(config) == vocabulary
    stores = own_workspace.stores(("numbers",), vocabulary, PrepareConfig(workers=1))
    found = {"vocabulary": vocabulary.path, "store": stores["numbers"].path}
    (own / "found.json").write_text(json.dumps(found))


def test_options_of_beam_say_who_prepares(tmp_path, monkeypatch):
    runners = []
    monkeypatch.setattr(workspace, "make_stores", lambda *_, runner, **__: runners.append(runner))
    options = ("--runner=DirectRunner",)
    for beam in (BeamConfig(), BeamConfig(options)):
        monkeypatch.setattr(workspace, "find_stores", lambda *_: Stores({}))
        monkeypatch.setattr(workspace, "require_corpora", lambda *_: None)
        made = Workspace(Paths(str(tmp_path)), (), beam)
        with pytest.raises(AttributeError):  # nothing was made
            made.stores(("numbers",), None, PrepareConfig(workers=3))
    assert runners == [
        LocalRunner(3),
        BeamRunner(options, str(tmp_path / "stores" / ".jobs")),
    ]


def test_all_processes_open_what_the_first_one_found(tmp_path):
    complete_job("tests.jobs.test_workspace:job", {"shared": str(tmp_path)}, processes=2)
    first, second = (
        json.loads((tmp_path / f"host-{index}" / "found.json").read_text()) for index in range(2)
    )
    assert first == second
    made = [
        str(path)
        for folder in ("vocabularies", "stores")
        for path in (tmp_path / "data" / folder).iterdir()
        if not path.name.startswith(".") and path.suffix != ".json"
    ]
    assert sorted(made) == sorted(first.values())
