"""What a study says about itself: study.json, read into plain values.

study = read_study(path)
recipes, arms = build_recipes(study, path), build_arms(study, path)
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import pandas as pd
from etils import epath

from code_ablate.analysis.kinds import SCORES
from code_ablate.errors import UserError, unknown_name
from code_ablate.evaluation.registry import ANSWERS

_STUDY_KEYS = (
    "name",
    "baseline",
    "version",
    "created",
    "machine",
    "model",
    "vocabulary",
    "seq_len",
    "tokens",
    "cooldown_tokens",
    "seeds",
    "code_corpora",
    "recipes",
    "arms",
    "phases",
    "tasks",
    "missing",
    "stores",
)


@dataclass(frozen=True)
class RecipeInfo:
    """A recipe of the study."""

    name: str
    """The recipe's name, as in gin and on the command line."""
    doc: str
    """First line of its docstring."""
    sweep: bool
    """True if its pre-training is one phase, so that it is a point of the share-of-code curve."""
    requested_code_share: float
    """Share of code asked for over all of pre-training, 0 to 1."""


@dataclass(frozen=True)
class CorpusUse:
    """What one arm read from one corpus."""

    requested_share: float
    """Share of the arm's tokens that was asked for."""
    tokens: int
    """Tokens trained on, repeats included."""
    unique_tokens: int
    """Different tokens trained on."""
    epochs: float
    """Passes over the corpus: tokens / tokens in the store."""


@dataclass(frozen=True)
class Arm:
    """A recipe trained with one seed up to one stage."""

    recipe: str
    """Name of the recipe."""
    seed: int
    """The same seed means the same initialisation and order within each corpus in all recipes."""
    stage: str
    """"pretraining" or "cooldown"."""
    phase: str
    """Identity of the last phase."""
    phases: tuple[str, ...]
    """Identities of all phases, first to last."""
    code_share: float
    """Realised share of code tokens over all phases, 0 to 1."""
    tokens: int
    """Tokens trained on over all phases."""
    seconds: float
    """Training time over all phases; a shared phase counts in every arm that uses it."""
    final_loss: float
    """Training loss at the end, nats per token."""
    corpora: Mapping[str, CorpusUse]
    """What was read from each corpus over all phases."""


_TASK_DEFAULTS = {"source": "", "examples": 0, "cropped": 0, "notes": ()}


@dataclass(frozen=True)
class TaskInfo:
    """An evaluation task of the study."""

    name: str
    """Task name; "bits_per_byte/<corpus>" for a domain."""
    category: str
    """Category in the suite; "domains" for bits per byte."""
    kind: str
    """How it is measured: a key of `kinds.SCORES`."""
    chance: float | None
    """Expected score of a random guess, or None."""
    items: int
    """Items that were scored."""
    available: int
    """Items that the task has."""
    source: str
    """Where the items came from."""
    examples: int
    """Prompts that were asked: for rank classification one for each item and choice."""
    cropped: int
    """Those of them that were longer than what the model sees at once."""
    notes: Sequence[str]
    """What a reader of the scores has to know."""
    score: str | None
    """Column that counts in its category; None if the items have no score."""


def read_study(path: epath.Path) -> dict[str, Any]:
    """The file as it stands. Raises UserError if it is absent or not the record of a study."""
    if not path.exists():
        raise UserError(
            f"{path} does not exist: give the directory of a study that was run with "
            "`code-ablate study`."
        )
    try:
        study = json.loads(path.read_text())
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{path} is not readable JSON ({error}); run the study again.") from error
    absent = [key for key in _STUDY_KEYS if not isinstance(study, dict) or key not in study]
    if absent:
        raise UserError(f"{path} is not the record of a study: it lacks {', '.join(absent)}.")
    return study


def build_recipes(study: Mapping[str, Any], path: epath.Path) -> tuple[RecipeInfo, ...]:
    """The recipes. Raises UserError for an entry that lacks something, as the others do."""
    return tuple(_build(RecipeInfo, row, path) for row in study["recipes"])


def build_arms(study: Mapping[str, Any], path: epath.Path) -> tuple[Arm, ...]:
    """The arms."""
    return tuple(_build_arm(row, path) for row in study["arms"])


def build_tasks(
    study: Mapping[str, Any], items: pd.DataFrame, path: epath.Path
) -> dict[str, TaskInfo]:
    """The tasks by name. `items`: the table of scores, which shows whether a task has any."""
    tasks = {}
    for name, row in study["tasks"].items():
        known = {**_TASK_DEFAULTS, "name": name, **row, "score": _score_of(name, row, items)}
        tasks[name] = _build(TaskInfo, known, path)
    return tasks


def _score_of(task: str, row: Mapping[str, Any], items: pd.DataFrame) -> str | None:
    """The column that counts; None where items have none, as the task's notes say."""
    kind = row.get("kind", "")
    if kind not in SCORES:
        raise unknown_name("kind of task", kind, SCORES)
    score = SCORES[kind]
    if score is None:
        return None
    unknown = items.loc[items["task"] == task, score].isna()
    # A metric that is no mean over items can look like one on some arm's answers.
    gone = unknown.any() if kind == ANSWERS else unknown.all()
    return None if gone else score


Built = TypeVar("Built")


def _build(kind: type[Built], row: Mapping[str, Any], path: epath.Path) -> Built:
    """A dataclass from a JSON object; keys it does not know are for later versions."""
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    absent = [name for name in names if name not in row]
    if absent:
        raise UserError(f"{path}: an entry of {kind.__name__} lacks {', '.join(absent)}: {row}")
    return kind(**{name: row[name] for name in names})


def _build_arm(row: Mapping[str, Any], path: epath.Path) -> Arm:
    corpora = {
        name: _build(CorpusUse, use, path) for name, use in dict(row.get("corpora", {})).items()
    }
    phases = tuple(row.get("phases", ()))
    return _build(Arm, {**row, "corpora": corpora, "phases": phases}, path)
