"""manifest.json of a token store: what it holds, where it came from, and what was left out.

manifest = Manifest.load(directory)
manifest.splits["train"]["tokens"], manifest.dropped
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from etils import epath

from code_ablate import storage
from code_ablate.errors import require_format

FORMAT = 4
"""Raised when stores of earlier versions would be read wrongly."""

VALIDATION = "validation"
"""Split of the documents that are held out."""

SPLITS = ("train", VALIDATION)
"""Splits of a store."""

MANIFEST = "manifest.json"
"""Name of the file in a store's directory."""


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What a token store holds, where it came from, and what was left out on the way."""

    corpus: str
    """Name of the SeqIO Task."""
    key: str
    """Identity of `key_fields`; the first 12 digits stand in the name of the directory."""
    key_fields: Mapping[str, Any]
    """What the store is made from: source digest, preprocessors with their fingerprints, vocabulary
    digest, settings, and what the documents were judged against."""
    identity: str
    """SHA-256 of the content: tokens, document ends and bytes of both splits, vocabulary digest."""
    vocabulary: Mapping[str, Any]
    """Vocabulary of the tokens: name, size, digest and eos_id."""
    source_digest: str
    """Digest of what the source read."""
    seed: int
    """Key of the order of the documents."""
    validation_fraction: float
    """Share of the documents split off for validation, by hash."""
    splits: Mapping[str, Mapping[str, int]]
    """Documents, bytes and tokens of `train` and `validation`."""
    read: Mapping[str, int]
    """Documents and bytes that the source gave. read + added = stored + dropped."""
    dropped: Mapping[str, Mapping[str, int]]
    """Documents and bytes that each preprocessor or step took away, by its name."""
    added: Mapping[str, Mapping[str, int]]
    """Documents and bytes that a preprocessor added, by its name; mostly empty."""
    skipped: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Files or other units that the source found and did not read, by reason."""
    examples: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    """What was wrong with some of the rows that the source skipped, by reason."""
    filters: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    """What each filter measured, by its name: the fields of `filters.tally.FilterRecord`."""
    near_duplicates: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Clusters of near-duplicates that hold documents of the corpus: how many, their sizes, the
    largest. Empty if none were looked for."""
    contamination: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Evaluation tasks that were looked for, documents that left by task, and the digest of the
    file that lists them. Empty if none were looked for."""
    returned: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Documents that were encoded and decoded, `tried_bytes` of their text, `returned_bytes` that
    came back, and the characters `lost` most; empty: not measured."""
    created: str = ""
    """Time at which the store was finished, in UTC."""
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Versions of Python and of the packages that made the store."""
    format: int = FORMAT
    """Format of the directory."""

    @property
    def returned_share(self) -> float | None:
        """Share of the bytes of text that come back from the tokens, 0 to 1; None: not known."""
        if not self.returned.get("tried_bytes"):
            return None
        return self.returned["returned_bytes"] / self.returned["tried_bytes"]

    def to_json(self) -> str:
        """The text of manifest.json, with a digest of it."""
        fields = json.loads(json.dumps(dataclasses.asdict(self)))
        return json.dumps({**fields, "digest": _digest_of(fields)}, indent=1)

    @classmethod
    def load(cls, directory: epath.Path) -> "Manifest":
        """The manifest of a token store. Raises OSError, and what `from_json` raises."""
        return cls.from_json(storage.read_file(directory / MANIFEST).decode())

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Raises ValueError or TypeError if the text is not a manifest of this format, and
        NewerFormat (a UserError) if it is one of a newer version."""
        fields = json.loads(text)
        if not isinstance(fields, dict):
            raise ValueError("not a manifest")
        require_format(f"a token store of {fields.get('corpus')!r}", fields.get("format"), FORMAT)
        if fields.pop("digest", None) != _digest_of(fields):
            raise ValueError("its manifest was changed after it was written")
        return cls(**fields)


def _digest_of(fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
