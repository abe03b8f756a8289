"""What a model is evaluated on, as plain values: no JAX, no TensorFlow.

SuiteConfig(tasks=("arc_easy", "humaneval"), domains=("demo.text",), max_items=500)
"""

from dataclasses import dataclass

from code_ablate.errors import UserError


@dataclass(frozen=True)
class SuiteConfig:
    """What a model is evaluated on."""

    tasks: tuple[str, ...] = ()
    """Registered SeqIO Tasks with a validation split and metrics."""
    domains: tuple[str, ...] = ()
    """Corpora whose validation documents are scored in bits per byte."""
    max_items: int = 1_000_000
    """At most this many items of a task, a seeded choice; the number used is always reported."""
    max_documents: int = 200
    """At most this many validation documents of a domain."""
    max_document_tokens: int = 2048
    """Of a longer document, only the beginning is scored."""
    split: str = "validation"
    """Split of the downstream tasks."""
    seed: int = 0
    """Of the choice of items and documents."""
    require_all: bool = False
    """True: a task that cannot be run on this machine, for want of its data or of the sandbox, is
    an error. False: it is listed as missing, with the reason."""
    isolation: str = "required"
    """Of generated programs: "required", or "none" to run them, at your own risk, where the kernel
    gives no isolation; the results say so."""

    def __post_init__(self):
        for name in ("max_items", "max_documents", "max_document_tokens"):
            if getattr(self, name) < 1:
                raise UserError(f"SuiteConfig.{name} is {getattr(self, name)}; it must be above 0.")
        if not self.tasks and not self.domains:
            raise UserError("SuiteConfig: name at least one task or one domain to evaluate on.")
        for names in (self.tasks, self.domains):
            if len(set(names)) < len(names):
                raise UserError(f"SuiteConfig names {names}: each may occur once.")
