"""The reference study's corpora, read from small files of our own in the publishers' formats."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import seqio
import zstandard

import tasks  # noqa: F401
from code_ablate.data.filters.published_sets import conversation
from code_ablate.data.registry import resolve_mixture
from code_ablate.data.variants import CorpusVariant, register_variants
from code_ablate.errors import UserError
from tasks import paper_corpora


def jsonl(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(zstandard.compress(text) if path.suffix == ".zst" else text)


def parquet(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)


def texts(name):
    """What stays of a corpus, by its filters, in order."""
    task = seqio.TaskRegistry.get(name)
    dataset = task.get_dataset(None, split="train", shuffle=False)
    return [seqio.ByteVocabulary().decode(row["targets"].numpy().tolist()[:-1]) for row in dataset]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CODE_ABLATE_PAPER", str(tmp_path))
    # Sources remember what they found.
    for name in seqio.TaskRegistry.names():
        if name.startswith("paper."):
            source = seqio.TaskRegistry.get(name).source
            for known in ("_found", "_parts"):
                source.__dict__.pop(known, None)
    return tmp_path


def test_slimpajama_is_parted_by_the_names_of_its_subsets(folder):
    names = ("CommonCrawl", "C4", "Github", "StackExchange", "Wikipedia", "Book", "ArXiv")
    for number, name in enumerate(names):
        rows = [{"text": f"of {name}", "meta": {"redpajama_set_name": f"RedPajama{name}"}}]
        jsonl(folder / f"SlimPajama-627B/train/chunk{number + 1}/example_train_0.jsonl.zst", rows)
    kept = texts("paper.text")
    assert sorted(kept) == sorted(f"of {n}" for n in names if n not in ("Github", "StackExchange"))
    assert texts("paper.stackexchange") == ["of StackExchange"]


def stack_row(content, path):
    return {
        "hexsha": "0" * 40, "size": len(content), "ext": "py", "lang": "Python",
        "max_stars_repo_path": path, "max_stars_repo_name": "a/b",
        "max_stars_repo_licenses": ["MIT", "Apache-2.0"], "max_stars_count": 3, "content": content,
        "avg_line_length": 9.0, "max_line_length": 10, "alphanum_fraction": 0.7,
    }  # fmt: skip


def test_the_stack_goes_through_the_filters_of_code_and_markup(folder):
    code = "def f(x):\n    return x\n"
    rows = [stack_row(code, "src/f.py"), stack_row("x" * 1001, "src/long.py")]
    parquet(folder / "the-stack-dedup/data/python/data-00000-of-00206.parquet", rows)
    long = json.dumps({"name": "bees " * 9, "maker": "wasps " * 9}, indent=1)
    parquet(
        folder / "the-stack-dedup/data/json/data-00000-of-00100.parquet",
        [stack_row('{"a": 1}', "a.json"), stack_row(long, "b.json")],
    )
    assert texts("paper.code.python") == [code]
    assert texts("paper.markup.json") == [long]
    (document,) = list(seqio.TaskRegistry.get("paper.code.python").source.documents())[:1]
    known = ("src/f.py", "python", "MIT\nApache-2.0")
    assert tuple(document[name] for name in ("path", "language", "licence")) == known


@pytest.mark.parametrize(
    "corpus, part",
    [
        ("paper.notebooks", "jupyter-structured-clean-dedup"),
        ("paper.commits", "git-commits-cleaned"),
        ("paper.issues", "github-issues-filtered-structured"),
    ],
)
def test_code_adjacent_parts_of_starcoderdata(folder, corpus, part):
    rows = [{"id": "1", "content": "some content"}]
    parquet(folder / f"starcoderdata/{part}/train-00000-of-00010.parquet", rows)
    assert texts(corpus) == ["some content"]


def issue(*comments: str, closed: bool = False) -> str:
    first, *others = comments
    more = "".join(f"<issue_comment>{comment}" for comment in others)
    return f"<issue_start>{first}{more}{'<issue_closed>' if closed else ''}"


@pytest.mark.parametrize("opening", ["", "<issue_comment>"])
def test_conversations_say_who_wrote_and_how_often(opening):
    text = issue(
        f"{opening}Title: It breaks\nusername_0: When I\nusername_7: press it.",
        "username_1: Which one?",
        "username_0: The red one, see <issue>.",
        closed=True,
    )
    assert conversation(text) == (["username_0", "username_1", "username_0"], 4)
    assert conversation("no conversation") == ([], 0)


def test_the_rules_for_issues_can_be_put_on_the_published_ones(folder):
    words = "It breaks when the button is pressed twice, as it did before the change. "
    kept = issue(f"Title: Button\nusername_0: {words * 4}", "username_1: Fixed.", closed=True)
    alone = issue(*[f"username_0: {words}"] * 12)
    rows = [{"content": text} for text in (kept, alone, issue("username_0: Short."))]
    parquet(folder / "starcoderdata/github-issues-filtered-structured/train-0.parquet", rows)
    assert texts("paper.issues") == [kept, alone, issue("username_0: Short.")]
    variant = CorpusVariant("paper.issues.ruled", of="paper.issues", added=("issues",))
    register_variants((variant,))
    try:
        assert texts("paper.issues.ruled") == [kept]
    finally:
        register_variants(())


def test_instructions_are_joined_with_their_responses(folder):
    rows = [
        {"instruction": "Name it.", "context": "", "response": "A bee.", "category": "open_qa"},
        {"instruction": "Sum up.", "context": "Bees fly.", "response": "Fly.", "category": "s"},
    ]
    jsonl(folder / "databricks-dolly-15k/databricks-dolly-15k.jsonl", rows)
    assert texts("paper.instruct") == ["Name it.\n\nA bee.\n", "Sum up.\n\nBees fly.\n\nFly.\n"]


def test_files_that_are_not_there_are_named(folder):
    with pytest.raises(UserError, match=r"the-stack-dedup/data/rust"):
        texts("paper.code.rust")


def test_shares_of_the_mixtures():
    assert len(paper_corpora.CODE) == 25 and len(paper_corpora.MARKUP) == 10
    # The paper's figures are rounded to two digits each.
    assert sum(paper_corpora.CODE.values()) == pytest.approx(100, abs=0.13)
    assert sum(paper_corpora.MARKUP.values()) == pytest.approx(100, abs=0.05)
    code = resolve_mixture("paper.code").active
    of_markup = sum(rate for name, rate in code.items() if name.startswith("paper.markup."))
    assert of_markup == pytest.approx(0.2)
    assert code["paper.code.java"] == pytest.approx(0.8 * 15.54 / sum(paper_corpora.CODE.values()))
    adjacent = resolve_mixture("paper.code_and_adjacent").active
    assert adjacent["paper.notebooks"] == pytest.approx(0.05)
    assert resolve_mixture("paper.code_and_synthetic").active["paper.synthetic_code"] == (
        pytest.approx(0.1)
    )
