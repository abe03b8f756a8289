"""What a study says about itself: study.json, written and read here.

    (directory / FILE).write_text(record.to_json())
    record = StudyRecord.read(directory / FILE)
    record.arms[0].shares["code"]

The dataclasses are the schema. A file of another format is refused by its number, and a file that
lacks a field that has no default, or has one too many, by the field's name.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from etils import epath

from code_ablate import own_file
from code_ablate.analysis.results.arm import Arm
from code_ablate.data.funnel import FunnelStep
from code_ablate.data.mixing import CorpusUse
from code_ablate.errors import UserError

FORMAT = 3
"""Raised when the meaning of a field changes."""

FILE = "study.json"
"""Name of the file in a study's directory."""

TABLE = "results.parquet"
"""Name of the table of scores beside it: a row for each arm, task and item."""

CHECKPOINTS = "checkpoints.parquet"
"""Name of the table of the baseline's scores at earlier checkpoints, with their tokens."""


@dataclass(frozen=True)
class MachineRecord:
    """What the study ran on, as its last process saw it."""

    device: str
    """Kind of device, as JAX names it."""
    devices: int
    """Number of devices."""
    cores: int
    """Processor cores of the host."""
    jax: str
    """Version of JAX."""
    python: str
    """Version of Python."""


@dataclass(frozen=True)
class StudyVocabulary:
    """The vocabulary of the study."""

    name: str
    """Name or path, as configured."""
    size: int
    """Number of ids."""
    digest: str
    """sha256 of its file."""
    eos_id: int
    """The id that ends a document."""


@dataclass(frozen=True)
class SizeRecord:
    """A model size of the study."""

    name: str
    """Name of the size, as in `Arm.size`."""
    parameters: int
    """Parameters of the model."""
    embedding_parameters: int
    """Parameters of its embedding."""
    config: Mapping[str, Any]
    """The fields of its ModelConfig."""
    seq_lens: tuple[int, ...]
    """Tokens that a window predicts, in the phases of this size."""
    parts: tuple[str, ...]
    """The parts of the name: that of the model, then whatever its setting changes."""


@dataclass(frozen=True)
class RecipeRecord:
    """A recipe of the study."""

    name: str
    """Name of the recipe, as in gin and on the command line."""
    description: str
    """What it does, in a line."""


@dataclass(frozen=True)
class ArmRecord:
    """What was trained for an arm, over all phases up to its stage."""

    arm: Arm
    """The recipe, size, seed and stage."""
    phase: str
    """Identity of the last phase."""
    phases: tuple[str, ...]
    """Identities of all phases, first to last."""
    requested_shares: Mapping[str, float]
    """Share of the tokens that is asked of each group of corpora, 0 to 1."""
    shares: Mapping[str, float]
    """Share of the tokens that came from each group of corpora, 0 to 1."""
    tokens: int
    """Tokens trained on."""
    seconds: float
    """Training time; a shared phase counts in every arm that uses it."""
    flops: float
    """Floating-point operations of training, by the formula in code_ablate.model.flops."""
    final_loss: float | None
    """Training loss at the end, nats per token; None where no line was logged."""
    corpora: Mapping[str, CorpusUse]
    """What was read from each corpus."""
    initialisation_seed: int | None
    """Seed that its first parameters were drawn with; None where they were made elsewhere."""
    order_seed: int
    """Seed of the order within each corpus."""
    seedless: str
    """Hash of the configuration of its phases with all seeds at 0: arms of a recipe that have the
    same differ in nothing but seeds."""


@dataclass(frozen=True)
class PhaseRecord:
    """A distinct phase, trained once."""

    name: str
    """What the phase is for."""
    mixture: str
    """Its mixture, in words."""
    shares: Mapping[str, float]
    """Share of its mixture in each group of corpora, 0 to 1."""
    size: str
    """Name of its model size."""
    tokens: int
    """Tokens trained on."""
    seconds: float
    """Training time."""
    flops: float
    """Floating-point operations of training."""
    arms: int
    """Recipes with size and seed that need it."""
    parent: str | None
    """Identity of the phase it starts from; None: from initialisation."""
    commits: tuple[str, ...]
    """Commits of the code that trained it, first to last; none where it ran from no clone."""


@dataclass(frozen=True)
class TaskRecord:
    """An evaluation task or domain of the study."""

    name: str
    """Name of the task; "bits_per_byte/<corpus>" for a domain."""
    category: str
    """Category in the suite; "domains" for bits per byte."""
    kind: str
    """How it is measured: a kind of task."""
    chance: float | None
    """Expected score of a random guess; None where it is not known or has no meaning."""
    items: int
    """Items that were scored."""
    available: int
    """Items that the task has."""
    identities: tuple[str, ...]
    """Hashes of what was asked, one for each length of context that a model of the study has, in
    the order of the alphabet; scores of two studies can be compared where they are equal."""
    source: str = ""
    """Where the items came from."""
    examples: int = 0
    """Prompts that were asked: for rank classification one for each item and choice."""
    cropped: int = 0
    """Prompts that were longer than what the model sees at once."""
    isolated: bool = True
    """Whether generated programs ran in isolation, if any ran: without it, one can reach the tests
    and the host, and its scores prove nothing."""
    notes: tuple[str, ...] = ()
    """What a reader of the scores has to know."""
    own_metrics: tuple[str, ...] = ()
    """The task's own metrics that each item of every arm has a score of, in the column
    "metric/NAME" of the table; the one that counts is first."""


@dataclass(frozen=True)
class MissingTask:
    """A task that could not be run."""

    task: str
    """Name of the task."""
    category: str
    """Category in the suite."""
    reason: str
    """Why it could not be run, and what would help."""


@dataclass(frozen=True)
class StoreRecord:
    """A token store that was read."""

    identity: str
    """Hash of its content."""
    documents: int
    """Documents to train on."""
    bytes: int
    """Bytes of their text."""
    tokens: int
    """Tokens of them."""
    validation_documents: int
    """Documents that are held out."""
    funnel: tuple[FunnelStep, ...]
    """Documents and bytes that are left after each step of preparation, from what the source gave
    to what the store holds, training and validation together."""
    searched_tasks: tuple[str, ...] = ()
    """Evaluation tasks whose items were looked for in its documents."""
    contaminated: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    """Items that were found, by task; the documents that held them are not in the store."""


@dataclass(frozen=True)
class StudyRecord:
    """A study, as its report needs it."""

    name: str
    """Name of the study."""
    scale: str
    """Name of its scale; empty where gin gives none."""
    configuration: str
    """Hash of what is compared and how."""
    published: str
    """Name of the published study whose figures belong beside these; empty for none."""
    baseline: str
    """Recipe that the others are compared with."""
    base: str
    """What the study mixes into, as a reader would call it."""
    source: str
    """What it varies, as a reader would call it: the group whose share is the main axis."""
    groups: Mapping[str, tuple[str, ...]]
    """Named groups of corpora; `source` is the name of one of them."""
    version: str
    """Version of code-ablate."""
    created: str
    """When the file was written, in UTC."""
    machine: MachineRecord
    """What it ran on."""
    vocabulary: StudyVocabulary
    """The vocabulary that its models were trained with."""
    seeds: tuple[int, ...]
    """Seeds of every recipe."""
    stages: tuple[str, ...]
    """Names of the stages, in order."""
    sizes: tuple[SizeRecord, ...]
    """Model sizes, the smallest first."""
    recipes: tuple[RecipeRecord, ...]
    """Recipes in the order of the study."""
    arms: tuple[ArmRecord, ...]
    """Every arm, trained and evaluated."""
    phases: Mapping[str, PhaseRecord]
    """Distinct phases by identity, parents before children."""
    suite: str
    """Identity of the evaluation suite."""
    tasks: Mapping[str, TaskRecord]
    """Tasks by name, in the order of the suite."""
    missing: tuple[MissingTask, ...]
    """Tasks that could not be run."""
    stores: Mapping[str, StoreRecord]
    """Token stores by corpus."""
    results_digest: str
    """sha256 of results.parquet, which belongs to this file."""
    margin: float = 0.0
    """Change, as a share of the baseline's score, within which recipes are equivalent; 0: none."""
    margins: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Margins of single metrics, in their own unit, by the key of the metric."""
    primary_scores: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """The score that counts for a task, by the task's name, where the study names one."""
    checkpoints_digest: str = ""
    """sha256 of checkpoints.parquet, which belongs to this file; empty where there is none."""
    arguments: tuple[str, ...] = ()
    """Arguments of `code-ablate study` that made it; empty where no command did."""
    commit: str = ""
    """Commit of the code that wrote it, with + behind it where files differed; empty where it ran
    from no clone."""

    def to_json(self) -> str:
        """The text of study.json: format, digest of the content, content."""
        return own_file.text_of(self, FORMAT)

    @classmethod
    def read(cls, path: epath.PathLike) -> "StudyRecord":
        """The record in a file. Raises UserError if it is absent, damaged, or of another format."""
        path = epath.Path(path)
        if not path.exists():
            raise UserError(
                f"{path} does not exist: give the directory of a study that was run with "
                "`code-ablate study`."
            )
        try:
            return own_file.read(path, cls, FORMAT)
        except own_file.Damaged as error:
            raise UserError(f"{error}; {_AGAIN}") from error


_AGAIN = "run the study again: what is trained and evaluated is found, and only this is written."
