"""What is said after corpora were built."""

import shlex

import pytest

from code_ablate import cli
from code_ablate.commands.loading import load_study
from code_ablate.data.building.build import Report
from code_ablate.data.building.lock_file import corpora_folder
from code_ablate.jobs import build_corpora


@pytest.mark.parametrize("out", [None, "data/corpora", "other folder"])
def test_the_command_at_the_end_shows_what_was_built(tmp_path, monkeypatch, capsys, out):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CODE_ABLATE_CORPORA", raising=False)
    monkeypatch.setattr(build_corpora, "build_corpora", lambda *_, **__: Report((), {}))
    options = [] if out is None else ["--out", out]
    assert cli.main(["corpora", "build", "--tier", "full", *options]) == 0
    words = shlex.split(capsys.readouterr().out.splitlines()[-1].partition(": ")[2])
    if words[0] != "code-ablate":
        name, _, value = words.pop(0).partition("=")
        monkeypatch.setenv(name, value)
    assert corpora_folder() == (tmp_path / (out or "data/corpora")).relative_to(tmp_path)
    arguments = cli._parser().parse_args(words[1:])
    arguments.bindings = []
    study, _ = load_study(arguments, looks_only=True)
    assert arguments.name in study.corpora
