"""Documents that the original of a derived corpus holds out for validation.

    steps = without_held_out(preprocessors, fraction=0.02)     # with a filter before the control

A control rewrites every document, and its text decides where a document goes: so the rewritten form
of what the original holds out would be trained on, and bits per byte of the original would be
measured on documents whose lines or words a model has read. They leave before they are rewritten.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

from code_ablate.data.controls.base import Control
from code_ablate.data.filters.base import Document, Without
from code_ablate.data.preparing.signatures import held_out


@dataclasses.dataclass(frozen=True)
class HeldOutOriginal(Without):
    """Drops documents that the original holds out for validation."""

    fraction: float
    """Share of its documents that the original holds out, 0 to 1."""

    def measure(self, document: Document) -> int:
        """1 if the original holds the document out, else 0."""
        return int(held_out(document.text.encode("utf-8", "replace"), self.fraction))


def without_held_out(preprocessors: Sequence[Any], fraction: float) -> list[Any]:
    """The preprocessors, with that filter before the first control.

    `fraction`: share of the original's documents that is held out by a hash; 0: none is.
    """
    steps = list(preprocessors)
    controls = [isinstance(step, Control) and step.leaves_out_held_out for step in steps]
    if fraction and any(controls):
        steps.insert(controls.index(True), HeldOutOriginal(fraction))
    return steps
