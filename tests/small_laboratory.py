"""A laboratory in small: prepared corpora, three runs, and a study made of them.

What `code_ablate.open_...` opens in tests, and what the notebooks are executed on.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from code_ablate.data.mixing import Mixture
from code_ablate.data.preparing.vocabulary_training import train_model
from code_ablate.data.store import Stores, StoreWriter, TokenStore
from code_ablate.data.vocabulary import Vocabulary, load_vocabulary
from code_ablate.evaluation.records import Key, Records
from code_ablate.model.config import ModelConfig
from code_ablate.training.execution import Execution, LoopConfig
from code_ablate.training.loop import train
from code_ablate.training.phase import Optimizer, Phase, Schedule, phase_identity
from code_ablate.training.rundir import RunDirectory
from tests.analysis.conftest import write_study

ROOT = Path(__file__).resolve().parents[1]
SEQ_LEN = 32
RECIPES = ("text_only", "balanced_only")
MODEL = ModelConfig(d_model=16, layers=2, heads=2, head_dim=8, feed_forward=32, vocabulary_size=512)
FILTER = {
    "kind": "longest_line", "thresholds": {"limit": 100}, "seen": 50, "seen_bytes": 9000,
    "passed_by": 2, "dropped": 1, "dropped_bytes": 300, "changes": {}, "histogram": [],
    "dropped_examples": [], "kept_examples": [],
}  # fmt: skip


def documents() -> dict[str, list[str]]:
    """The paragraphs of the README, and the functions of a module."""
    readme = (ROOT / "README.md").read_text().split("\n\n")
    code = (ROOT / "code_ablate" / "data" / "mixing.py").read_text().split("\n\n")
    return {"small.text": readme[:60], "small.code": code[:40]}


@dataclass(frozen=True)
class Laboratory:
    """Where everything lies."""

    folder: Path
    vocabulary: Vocabulary
    stores: Stores
    first: RunDirectory
    """Half of each corpus."""
    then: RunDirectory
    """Goes on from the first with text alone."""
    other: RunDirectory
    """Text alone from the beginning."""

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def study(self) -> Path:
        return self.folder / "runs" / "study-small"


def make(folder: Path) -> Laboratory:
    """Makes it in an empty folder, within seconds."""
    vocabulary = _vocabulary(folder / "data")
    stores = Stores(
        {
            name: _store(folder / "data", name, texts, vocabulary)
            for name, texts in documents().items()
        }
    )
    first, then, other = _runs(folder / "runs", stores)
    evaluate(then, 8, seed=0)
    evaluate(then, 4, seed=1)
    evaluate(first, 8, seed=2)
    evaluate(other, 8, seed=3)
    write_study(
        folder / "runs" / "study-small", seeds=(0, 1, 2), recipes=RECIPES, items=40,
        change=lambda study, table: _of_runs(study, table, first, then, other),
    )  # fmt: skip
    return Laboratory(folder, vocabulary, stores, first, then, other)


def _vocabulary(data: Path) -> Vocabulary:
    path = data / "vocabularies" / "small-0123456789ab.model"
    path.parent.mkdir(parents=True)
    path.write_bytes(train_model([t for texts in documents().values() for t in texts], 512))
    return load_vocabulary(path)


def _store(data: Path, name: str, texts: list[str], vocabulary: Vocabulary) -> TokenStore:
    writer = StoreWriter(data / "stores" / f"{name}-0123456789ab", vocabulary.info)
    held_out = len(texts) // 10
    read = {"documents": len(texts) + 3, "bytes": 400 + sum(len(t.encode()) for t in texts)}
    for split, of_split in (("train", texts[held_out:]), ("validation", texts[:held_out])):
        ids = [np.append(i, vocabulary.eos_id) for i in vocabulary.encode(of_split)]
        lengths = np.array([len(i) for i in ids], np.int64)
        sizes = np.array([len(t.encode()) for t in of_split], np.int64)
        writer.write_split(split, iter(ids), lengths, sizes)
    return writer.finish(
        corpus=name, key="0" * 64, key_fields={}, source_digest="s", seed=0, read=read, added={},
        validation_fraction=0.1, dropped={
            "longest_line_over_100": {"documents": 1, "bytes": 300},
            "exact_duplicate": {"documents": 2, "bytes": 100},
        },
        filters={"longest_line_over_100": FILTER},
    )  # fmt: skip


def _runs(runs: Path, stores: Stores) -> list[RunDirectory]:
    """The three runs, as the laboratory has them."""
    phase = Phase(
        mixture=Mixture.of({"small.text": 0.5, "small.code": 0.5}),
        tokens=8 * 4 * SEQ_LEN,
        model=MODEL,
        optimizer=Optimizer(),
        schedule=Schedule(peak=1e-2, final=1e-3, warmup_steps=2),
        batch_windows=4,
        seq_len=SEQ_LEN,
        seed=0,
    )
    cooldown = dataclasses.replace(
        phase, parent=phase, name="cooldown", mixture=Mixture.of({"small.text": 1.0})
    )
    text = dataclasses.replace(cooldown, parent=None, name="pretraining")
    made: list[RunDirectory] = []
    for part in (phase, cooldown, text):
        identity = phase_identity(part, stores.identities, stores.tokens)
        run = RunDirectory.of(runs, part, identity)
        execution = Execution(loop=LoopConfig(log_every=2, checkpoint_every=4))
        train(part, stores, run, parent=made[0] if part.parent else None, execution=execution)
        made.append(run)
    return made


def ranked_items(seed: int, passages: int = 0) -> pd.DataFrame:
    """Forty items with four choices; those of one passage are right or wrong together."""
    draw = np.random.default_rng(seed)
    items, choices = 40, 4.0
    right = draw.random(passages or items) < 0.5
    correct = np.repeat(right, items // len(right)).astype(float)
    gold = draw.integers(0, 4, items).astype(float)
    columns = {
        "item": [f"q{i:02}" for i in range(items)], "choices": choices, "gold": gold,
        "predicted": np.where(correct == 1, gold, (gold + 1) % 4),
        "predicted_per_byte": (gold + 1) % 4, "correct": correct, "correct_per_byte": 0.0,
        "bits": draw.normal(30, 3, items), "bytes": 10.0, "gold_probability": 0.25, "margin": 0.0,
    }  # fmt: skip
    if passages:
        columns["cluster"] = [f"p{i // (items // passages)}" for i in range(items)]
    return pd.DataFrame(columns)


def evaluate(run: RunDirectory, step: int, seed: int, identity: str = "0" * 16) -> None:
    """Scores of a domain, of a task, and of one whose items share passages, as they are kept."""
    records = Records(run.evaluation(step))
    about = {"metrics": {}, "own_metrics": [], "notes": [], "available": 90}
    ranked = {**about, "kind": "rank_classification", "items": 40, "chance": 0.25}
    records.save(Key("alone", identity), {**ranked, "clusters": 0}, ranked_items(seed))
    shared = ranked_items(seed + 100, passages=8)
    records.save(Key("passages", identity), {**ranked, "clusters": 8}, shared)
    draw = np.random.default_rng(seed)
    domain = pd.DataFrame(
        {"item": [f"d{i}" for i in range(12)], "bits": draw.normal(90, 5, 12), "bytes": 30.0}
    )
    named = {**about, "kind": "bits_per_byte", "items": 12, "clusters": 0}
    records.save(Key("bits_per_byte/small.text", identity), named, domain)


def _of_runs(
    study: dict, table: pd.DataFrame, first: RunDirectory, then: RunDirectory, other: RunDirectory
) -> pd.DataFrame:
    """The study with these runs as the phases of its arms."""

    def named(phase: str) -> str:
        if phase.endswith("d"):
            return then.identity
        return first.identity if phase.startswith("balanced") else other.identity

    for arm in study["arms"]:
        arm["phase"], arm["phases"] = named(arm["phase"]), [named(p) for p in arm["phases"]]
    phases = {}
    for identity, phase in study["phases"].items():
        parent = phase["parent"] and first.identity
        phases[named(identity)] = {**phase, "parent": parent, "tokens": 8 * 4 * SEQ_LEN}
    study["phases"], study["name"] = phases, "small"
    return table.assign(phase=table["phase"].map(named))
