"""The pages of results that are here: they say what their texts say, and one is made again."""

import shlex
import shutil
from pathlib import Path

import jinja2
import pytest

from code_ablate.cli import main
from code_ablate.jobs.write_results import WRITTEN

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = ("results", "results_865k")
KEPT = "results_865k"


@pytest.mark.parametrize("name", PAGES)
def test_the_written_texts_stand_on_the_page_between_their_numbers(name):
    page = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    for text in WRITTEN:
        template = (DOCS / name / f"{text}.md").read_text(encoding="utf-8")
        tokens = jinja2.Environment(autoescape=False).lex(template)
        parts = [part.strip() for _, kind, part in tokens if kind == "data"]
        long = [part for part in parts if len(part) >= 15]  # not what may stand anywhere
        assert long, text
        for part in long:
            assert part in page, f"{name}/{text}.md: {part[:80]}"


def test_the_page_whose_studies_are_kept_is_made_again_to_the_letter(tmp_path, monkeypatch):
    page = (DOCS / f"{KEPT}.md").read_text(encoding="utf-8")
    command = shlex.split(page[page.rindex("```\ncode-ablate results") :].strip("`\n"))
    assert command[0] == "code-ablate" and "--keep" in command
    shutil.copytree(DOCS / KEPT, tmp_path / "docs" / KEPT)
    shutil.copytree(DOCS / "results", tmp_path / "docs" / "results")  # whose changes it names
    monkeypatch.chdir(tmp_path)
    assert main(command[1:]) == 0
    assert (tmp_path / "docs" / f"{KEPT}.md").read_text(encoding="utf-8") == page
    for table in (DOCS / KEPT).glob("*.csv"):
        assert (tmp_path / "docs" / KEPT / table.name).read_bytes() == table.read_bytes()
