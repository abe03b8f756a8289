"""`code-ablate list`: a line for each name, which can be read to its end."""

import pytest

from code_ablate.cli import main


@pytest.mark.parametrize("what", ["suites", "studies", "scales", "models", "hardware"])
def test_what_gin_files_say_is_not_cut_within_a_sentence(what, capsys):
    assert main(["list", what]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines and all(line.endswith((".", "?")) for line in lines)
    assert all(len(line) < 200 for line in lines)


def test_a_mixture_of_many_corpora_is_one_line(capsys):
    assert main(["list", "mixtures"]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines["demo.code"] == "20% demo.markup + 80% demo.web_code"
    greatest = "15.5% paper.code.java + 15.3% paper.code.javascript + 12.5% paper.code.php"
    assert lines["paper.web_code"] == f"{greatest} + 22 more corpora"
