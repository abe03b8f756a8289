"""What a model is evaluated on, as plain values: no JAX, no TensorFlow.

SuiteConfig(tasks=("arc_easy", "humaneval"), domains=("demo.text",), max_items=500)
"""

from dataclasses import dataclass
from typing import Annotated

from code_ablate.checked import OneOf, PositiveInt, Seed, checked
from code_ablate.errors import UserError
from code_ablate.names import require_name


@checked
@dataclass(frozen=True)
class SuiteConfig:
    """What a model is evaluated on."""

    tasks: tuple[str, ...] = ()
    """Names of registered SeqIO Tasks with a validation split and metrics."""
    domains: tuple[str, ...] = ()
    """Names of corpora whose validation documents are scored in bits per byte."""
    max_items: PositiveInt = 1_000_000
    """Items of each task, at most: of more, a seeded choice. The number used is always reported."""
    max_documents: PositiveInt = 200
    """Validation documents of each domain, at most: of more, a seeded choice."""
    max_document_tokens: PositiveInt = 2048
    """Tokens of a document that are scored, at most; the rest of a longer one is left out."""
    split: str = "validation"
    """Split of the downstream tasks."""
    seed: Seed = 0
    """Seed of the choice of items and documents."""
    require_all: bool = False
    """Whether a task that cannot be run on this machine, because its data, a library or the
    sandbox are missing, is an error. Otherwise it is listed as missing, with the reason."""
    isolation: Annotated[str, OneOf(("required", "none"))] = "required"
    """Isolation of generated programs: "required" refuses to run them where the kernel does not
    isolate; "none" runs them all the same, at your own risk, and the results say so."""

    def __post_init__(self):
        if not self.tasks and not self.domains:
            raise UserError("SuiteConfig: name at least one task or one domain to evaluate on.")
        for names in (self.tasks, self.domains):
            if len(set(names)) < len(names):
                raise UserError(f"SuiteConfig names {names}: each may occur once.")
        for name in self.tasks:
            require_name("a name in SuiteConfig.tasks", name)
        for name in self.domains:
            require_name("a name in SuiteConfig.domains", name)
