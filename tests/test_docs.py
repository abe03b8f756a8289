"""Commands that README and docs name are commands, with the options that they have."""

import argparse
import re
import shlex
from pathlib import Path

import pytest

from code_ablate.cli import _parser, _take_bindings

ROOT = Path(__file__).parent.parent
# What docs/log.md tells was true on its day.
PAGES = [ROOT / "README.md", *sorted({*ROOT.glob("docs/*.md")} - {ROOT / "docs/log.md"})]


def commands(page: Path) -> list[str]:
    """Every `code-ablate ...` of a page, in a block or within a line."""
    block = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for lines in block.findall(text) for line in lines.splitlines()]
    spans = re.findall(r"`([^`\n]+)`", block.sub("", text))
    return [line.strip() for line in [*lines, *spans] if line.strip().startswith("code-ablate ")]


def arguments(command: str) -> list[str]:
    """What stands behind `code-ablate`, without comments, brackets of what is optional, and `>`."""
    return shlex.split(re.sub(r"[][]| > .*", "", command), comments=True)[1:]


@pytest.fixture(scope="module")
def parser() -> argparse.ArgumentParser:
    return _parser()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of_the_docs_are_understood(page, parser, capsys):
    (names,) = (action.choices for action in parser._actions if action.choices)
    for command in commands(page):
        name, *others = arguments(command)
        if not others:  # the command by its name alone
            assert name in (*names, "COMMAND", "--help"), command
            continue
        _, plain = _take_bindings([name, *("1" if word == "N" else word for word in others)])
        try:
            parser.parse_args(plain)
        except SystemExit as end:
            assert not end.code, f"{command}: {capsys.readouterr().err}"


def test_there_are_commands_to_look_at():
    assert len(commands(ROOT / "README.md")) > 20
    assert arguments("code-ablate eval RUN [--step N]  # x") == ["eval", "RUN", "--step", "N"]
    assert arguments("code-ablate config --markdown > docs/x.md") == ["config", "--markdown"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_tests_that_the_docs_name_are_there(page):
    text = page.read_text(encoding="utf-8")
    rooms = "code_ablate|tests|tasks|gin|docs|benchmarks|notebooks"
    named = re.findall(rf"(?<![\w./-])((?:{rooms})/[\w/-]+\.\w+)", text)
    alone = re.findall(r"`(test_\w+\.py)`", text)
    assert [file for file in named if not (ROOT / file).exists()] == []
    assert [file for file in alone if not any(ROOT.glob(f"tests/**/{file}"))] == []
    tests = re.findall(r"`(test_\w+)`", text)
    sources = [file.read_text(encoding="utf-8") for file in ROOT.glob("tests/**/*.py")]
    assert [name for name in tests if not any(f"def {name}(" in text for text in sources)] == []


def test_what_make_is_asked_for_is_a_target():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w./-]+):", makefile, re.MULTILINE))
    texts = {
        file: file.read_text(encoding="utf-8")
        for file in [*PAGES, *ROOT.glob("code_ablate/**/*.py")]
    }
    asked = re.compile(r"(?:`|; |&& )make ([\w./-]+)")
    named = {(file.name, target) for file, text in texts.items() for target in asked.findall(text)}
    assert len(named) > 5
    assert {(name, target) for name, target in named if target not in targets} == set()
