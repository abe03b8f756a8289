"""A plan needs no data: what is not there is said, and everything else is planned."""

import pytest

from code_ablate.cli import main


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("CODE_ABLATE_PAPER", "CODE_ABLATE_CORPORA"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize("scale", ["registry", "paper_470m"])
@pytest.mark.parametrize("trained", [False, True])
def test_a_study_of_data_that_are_not_here_is_planned(elsewhere, capsys, scale, trained):
    if trained:
        # Whether it is the vocabulary that is meant, its corpora's sources say.
        name = scale.partition("_")[0]
        file = elsewhere / f"data/vocabularies/{name}-000000000000.model"
        file.parent.mkdir(parents=True)
        file.write_bytes(b"")
    assert main(["plan", "initialization", "--scale", scale]) == 0
    said = capsys.readouterr()
    assert "distinct phases" in said.out
    if not trained:
        assert "nothing is prepared yet" in said.err
    elif scale == "registry":
        assert "code-ablate corpora build" in said.err
    else:
        assert "CODE_ABLATE_PAPER" in said.err
    if scale == "paper_470m":
        assert "expected, not prepared" in said.out


@pytest.mark.parametrize("scale", ["registry", "paper_470m"])
def test_to_prepare_what_is_not_here_is_refused(elsewhere, capsys, scale):
    assert main(["prepare", "initialization", "--scale", scale]) == 2
    said = capsys.readouterr().err
    assert ("corpora build" if scale == "registry" else "CODE_ABLATE_PAPER") in said
