"""Identities that were recorded: what is trained and scored is found again after a change of code.

If you meant to change one (another meaning, a raised FORMAT), record the new values here and say so
in the changelog: everything of that kind is computed anew by everybody.
"""

import json
import sys

import pytest
import seqio

from code_ablate import config
from code_ablate.data import filters
from code_ablate.data.fingerprints import installed
from code_ablate.data.preparing.prepare import PrepareConfig, make_stores
from code_ablate.data.preparing.vocabulary_training import make_vocabulary
from code_ablate.data.sources import documents
from code_ablate.data.sources.files import Files
from code_ablate.data.vocabulary import Vocabulary, VocabularyConfig
from code_ablate.evaluation import suite
from code_ablate.evaluation.suite_config import SuiteConfig
from code_ablate.study.graph import PhaseGraph

PHASES = {
    "demo": {
        "balanced_only/0/cooldown": "fff8171de424ab1b",
        "balanced_only/0/pretraining": "2728be4f4a95fe03",
        "balanced_only/1/cooldown": "6c10305417bca77a",
        "balanced_only/1/pretraining": "8bf65c9a574d63bd",
        "balanced_to_text/0/cooldown": "0b10fc0d47b4997e",
        "balanced_to_text/0/pretraining": "c4452def56785975",
        "balanced_to_text/1/cooldown": "f8df13f857722b91",
        "balanced_to_text/1/pretraining": "9fd419c40c44eefa",
        "code_100/0/pretraining": "94bd31fcf2c82c5a",
        "code_100/1/pretraining": "e840aa607e5d170e",
        "code_25/0/pretraining": "d856c0cbca6e417d",
        "code_25/1/pretraining": "2f8e633e60207c08",
        "code_75/0/pretraining": "91b82bdb1591681d",
        "code_75/1/pretraining": "08141c4771073029",
        "code_to_text/0/cooldown": "cf0a9693659da61c",
        "code_to_text/0/pretraining": "ede3e213113f1811",
        "code_to_text/1/cooldown": "1176d664c6ce2120",
        "lines_shuffled/0/pretraining": "e316cdebdc554339",
        "lines_shuffled/0/cooldown": "785db73be2e7ce8b",
        "lines_shuffled/1/pretraining": "d0ef19f95d3ad641",
        "lines_shuffled/1/cooldown": "23a8f13219d9381f",
        "code_to_text/1/pretraining": "7538a6909817861e",
        "text_only/0/cooldown": "9e9b8adae33547fd",
        "text_only/0/pretraining": "77ae0a733fc1785d",
        "text_only/1/cooldown": "eaa0cec6f0efcba0",
        "text_only/1/pretraining": "eba1db0f9c3c8cab",
        "text_only/2/pretraining": "fe6704fa5eb00f97",
        "text_only/2/cooldown": "4d18d839dadbc42b",
        "code_25/2/pretraining": "fa0603bcb8721cca",
        "balanced_only/2/pretraining": "727e80524fe12f1f",
        "balanced_only/2/cooldown": "91642797430d349a",
        "code_75/2/pretraining": "cd31f72fbe4b1bfc",
        "code_100/2/pretraining": "2e0b09c99feba45b",
        "balanced_to_text/2/pretraining": "b90f598e459872dc",
        "balanced_to_text/2/cooldown": "59a8e5f9622351ce",
        "code_to_text/2/pretraining": "45b8ca2f658aeeb1",
        "code_to_text/2/cooldown": "12db25cfffacba1d",
        "lines_shuffled/2/pretraining": "704b02fdd09efebb",
        "lines_shuffled/2/cooldown": "65e380d3ade69cbf",
    },
    "reference": {
        "balanced_only/0/cooldown": "d7f306a5ec502e46",
        "balanced_only/0/pretraining": "c61376ca3e347a8c",
        "balanced_to_text/0/cooldown": "159a9353f328af9c",
        "balanced_to_text/0/pretraining": "82fbd3b018bd44d5",
        "code_to_text/0/cooldown": "a627246456fb6559",
        "code_to_text/0/pretraining": "8c202e07980f1737",
        "text_only/0/cooldown": "16ffc4bfa0d45930",
        "text_only/0/pretraining": "113764398956dbc2",
    },
}
"""Study -> arm -> identity of its phase, where the store of corpus c has the identity "store-c"."""

SCORES = {
    "arc_easy": "5c2286b75750eff2",
    "arc_easy_5shot": "5ebd502034af90f0",
    "basic_skills_coding": "b6664f8875c52456",
    "boolq": "86081e20d4b1d495",
    "copa": "f3d5b9f1ccfcc55a",
    "humaneval": "16f73d04617c71de",
    "lambada": "7636aa02fb685bd2",
    "mbpp_bpb": "8aa66cf056f4759d",
    "mmlu": "23d59fe33acfd923",
    "nq_open": "38ffe8cc81150e2c",
    "open_prompts": "2b5e47c5503f5041",
    "sciq": "4afd33c30c6cfb75",
    "triviaqa": "28e249bf8618c2b8",
    "winogrande": "12532f7fbf7fcd4e",
    "hellaswag": "e0bbde357586f050",
    "gsm8k": "6c35d08a622bd963",
}
"""Task -> identity of its scores; vocabulary of digest "digest", 128 tokens of context."""


STUDIES = {"demo": ("demo", "demo"), "reference": ("initialization", "paper_470m")}
"""The name above -> what is compared, and at which scale."""


@pytest.mark.parametrize("study", PHASES)
def test_phases(study):
    made = config.load_study(*STUDIES[study])
    graph = PhaseGraph.of(made, {corpus: f"store-{corpus}" for corpus in made.corpora})
    found = {f"{a.recipe}/{a.seed}/{a.stage}": name for a, name in graph.identities.items()}
    assert found == PHASES[study]


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="3.11 wrote the recorded source texts")
@pytest.mark.parametrize("task", SCORES)
def test_scores(task, monkeypatch):
    import tasks  # noqa: F401

    monkeypatch.setattr(installed, "installed_version", lambda name: "1")
    vocabulary = Vocabulary("v", "v.model", 2048, "digest", eos_id=1)
    part = suite._task_part(task, SuiteConfig(tasks=(task,)), vocabulary, seq_len=128)
    assert part.key.identity == SCORES[task]


VOCABULARY = "106f4fabc3f5bde0e2b6ba1f0b38d3c4ab86743a574fa223d689e1182877e2e9"
STORE = "7ca2336026b96f796ac255bded6675575cb741178cd2f1b1d62793c190469569"
"""Hashes of a vocabulary and of a token store, made of the documents of the test below."""


def test_vocabulary_and_store(tmp_path, monkeypatch):
    """Filters, tokens, order of documents and split: what stands in a store has not changed."""
    monkeypatch.chdir(tmp_path)
    documents_made = [
        f"def f{i}(x):\n\treturn x  * {i}\n"
        if i % 2
        else f"The {i}. document says more than the {i - 1}. one did, éß.\r\n" * (1 + i % 3)
        for i in range(60)
    ]
    rows = [json.dumps({"text": text}) + "\n" for text in (*documents_made, "same", "same")]
    (tmp_path / "rows.jsonl").write_text("".join(rows))
    seqio.TaskRegistry.add(
        "recorded.rows",
        source=Files("rows.jsonl"),
        preprocessors=[filters.MeanLine(100), filters.Length(5), *documents.TOKENIZE],
        output_features=documents.FEATURES,
    )
    try:
        asked = VocabularyConfig(
            "recorded", 300, ("recorded.rows",), sample_bytes=100_000, held_out=0.2
        )
        vocabulary = make_vocabulary(asked, "data", progress=False)
        settings = PrepareConfig(validation_fraction=0.2, workers=1)
        stores = make_stores(("recorded.rows",), vocabulary, "data", settings, progress=False)
    finally:
        seqio.TaskRegistry.remove("recorded.rows")
    assert vocabulary.digest == VOCABULARY
    assert stores.identities == {"recorded.rows": STORE}
