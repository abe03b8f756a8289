"""What the README shows works as it stands there."""

import json
import re
import sys
from pathlib import Path

import pytest
import seqio

from code_ablate.cli import _parser, main

ROOT = Path(__file__).parent.parent

README = (ROOT / "README.md").read_text()

FIGURE = re.compile(r"([\d.]+) % \[[+−]?([\d.]+), [+−]?([\d.]+)\]")
"""A change with its interval: its size, and both ends without their signs."""


def block_after(text: str, language: str = "") -> str:
    return re.search(rf"{re.escape(text)}.*?```{language}\n(.*?)```", README, re.DOTALL)[1]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "notes").mkdir()
    rows = [{"body": f"Note number {i}: " + "the river goes on and on, " * 10} for i in range(5)]
    (tmp_path / "notes" / "a.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    quiz = {"id": "1", "question": "Rivers go", "choices": ["on", "off"], "gold": 0}
    (tmp_path / "quiz.jsonl").write_text(json.dumps(quiz) + "\n")
    (tmp_path / "my_data.py").write_text(block_after("`my_data.py`", "python"))
    (tmp_path / "notes.gin").write_text(block_after("`notes.gin`"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))  # the folder enters it
    yield tmp_path
    sys.modules.pop("my_data", None)


def test_the_extension_registers_and_plans(folder, capsys):
    assert main(["plan", "notes.gin"]) == 0
    said = capsys.readouterr().out
    assert "70% demo.text + 30% my.notes" in said
    notes = seqio.TaskRegistry.get("my.notes").get_dataset(None, "train", shuffle=False)
    assert len(list(notes)) == 5
    quiz = seqio.TaskRegistry.get("my.quiz").get_dataset(None, "validation", shuffle=False)
    assert len(list(quiz)) == 2


def test_the_extension_is_about_ten_lines():
    assert len([line for line in block_after("`my_data.py`", "python").splitlines() if line]) <= 11


def test_every_command_in_the_table_exists():
    commands = set(re.findall(r"^\| `code-ablate ([\w-]+)", README, re.MULTILINE))
    (actions,) = (a for a in _parser()._actions if a.choices)
    assert commands | {"train", "eval"} == set(actions.choices)


def test_the_results_that_lead_it_are_those_of_the_pages():
    pages = {
        name: (ROOT / "docs" / name).read_text().replace("\u00a0", " ")
        for name in ("results.md", "results_865k.md")
    }
    start, end = README.index("(docs/results/"), README.index("(docs/demo.png)")
    counts = dict.fromkeys(pages, 0)
    for line in README[start:end].splitlines():
        name = "results_865k.md" if "865K" in line else "results.md"
        said = FIGURE.findall(line)
        there = {(size, frozenset(ends)) for size, *ends in FIGURE.findall(pages[name])}
        assert [f for f in said if (f[0], frozenset(f[1:])) not in there] == []
        counts[name] += len(said)
    assert min(counts.values()) >= 4
