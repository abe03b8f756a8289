"""What is left of a corpus after each step of its preparation.

    for step in funnel(store.manifest):
        print(step.name, step.documents, step.bytes)     # read, each filter, duplicates

The last step is what the store holds, training and validation together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from code_ablate.data.manifest import Manifest

READ = "read"
"""Name of the first step: what the source gave."""


@dataclass(frozen=True)
class FunnelStep:
    """A step, and what is left after it."""

    name: str
    """Name of the filter, preprocessor or judge; "read" for the source."""
    documents: int
    """Documents after the step."""
    bytes: int
    """Bytes of their text."""


def funnel(manifest: "Manifest") -> tuple[FunnelStep, ...]:
    """The steps in order. One that adds documents and takes none stands at the beginning."""
    only_added = [name for name in manifest.added if name not in manifest.dropped]
    left = FunnelStep(READ, manifest.read["documents"], manifest.read["bytes"])
    steps = [left]
    for name in (*only_added, *manifest.dropped):
        went, came = manifest.dropped.get(name, _NOTHING), manifest.added.get(name, _NOTHING)
        documents = left.documents - went["documents"] + came["documents"]
        left = FunnelStep(name, documents, left.bytes - went["bytes"] + came["bytes"])
        steps.append(left)
    return tuple(steps)


_NOTHING: Mapping[str, int] = {"documents": 0, "bytes": 0}
