"""Files of a vocabulary: the model, read by the library it is for, and the record beside it.

    size, eos_id = size_and_eos(path, file_digest(path), eos_token="")
    load_encoder(str(path), digest, eos_id).encode(...)
    VocabularyRecord.read(path)         # size and EOS, where the library is not installed

A `.model` is SentencePiece's, a `tokenizer.json` Hugging Face's.
"""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from etils import epath

from code_ablate import storage
from code_ablate.errors import UserError, require_format

RECORD_FORMAT = 1
"""Format of the record beside a trained vocabulary."""


@dataclass(frozen=True)
class VocabularyRecord:
    """What a trained vocabulary is and what it was made of: the .json beside its .model."""

    digest: str
    """SHA-256 of the model file, in hexadecimal."""
    size: int
    """Number of ids."""
    eos_id: int
    """Id of the token that ends a document."""
    made_of: Mapping[str, Any]
    """Plain values that the key in the file's name is the identity of: settings, and the
    fingerprint of each corpus by its name."""
    format: int = RECORD_FORMAT
    """Format of the record."""

    @classmethod
    def read(cls, model: epath.PathLike) -> "VocabularyRecord | None":
        """The record of a model file; None if there is none, or it belongs to other content.

        Raises NewerFormat (a UserError) if a newer version wrote it.
        """
        path = epath.Path(model).with_suffix(".json")
        try:
            fields = json.loads(storage.read_file(path))
            require_format(str(path), fields.get("format"), RECORD_FORMAT)
            record = cls(**fields)
        except (OSError, ValueError, TypeError, AttributeError):
            return None
        return record if record.digest == file_digest(model) else None

    def write(self, model: epath.PathLike) -> None:
        """Writes the record of a model file."""
        path = epath.Path(model).with_suffix(".json")
        storage.replace(path, json.dumps(dataclasses.asdict(self), indent=1))


def file_digest(path: epath.PathLike) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(storage.read_file(path)).hexdigest()


def library_missing(path: epath.PathLike, error: ImportError) -> UserError:
    """The error that a file's library is not installed, to be raised."""
    return UserError(f"{path} cannot be read ({error}): pip install 'code-ablate[data]'.")


def size_and_eos(path: epath.Path, digest: str, eos_token: str) -> tuple[int, int]:
    """Number of ids, those of gaps among them, and the id that ends a document; -1: there is none.

    `eos_token`: the token of a tokenizer.json that ends a document; empty: as its settings say.
    Raises UserError if the file cannot be read, ImportError where its library is not installed.
    """
    try:
        model = _load_model(str(path), digest)
        if path.suffix == ".json":
            # Ids may have gaps: there can be more of them than entries.
            size = max(model.get_vocab(with_added_tokens=True).values(), default=-1) + 1
            return size, _huggingface_eos(model, path, eos_token)
        return model.vocab_size(), model.eos_id()
    except (UserError, ImportError):
        raise
    except Exception as error:  # `tokenizers` raises plain Exception
        kind = "tokenizer.json" if path.suffix == ".json" else "SentencePiece model"
        raise UserError(f"{path} is not a {kind} that can be read: {error}") from error


def _huggingface_eos(model: Any, path: epath.Path, configured: str) -> int:
    special = sorted(t.content for t in model.get_added_tokens_decoder().values() if t.special)
    token = configured
    beside = path.parent / "tokenizer_config.json"
    if not token and beside.exists():
        try:
            named = json.loads(beside.read_text("utf-8")).get("eos_token") or ""
            token = named["content"] if isinstance(named, dict) else str(named)
        except (ValueError, KeyError, AttributeError) as error:
            raise UserError(f"{beside} cannot be read as a tokenizer's settings: {error}") from None
    if not token and len(special) == 1:
        token = special[0]
    eos_id = model.token_to_id(token) if token else None
    if eos_id is None:
        raise UserError(
            f"which token of {path} ends a document? Set VocabularyConfig.eos_token"
            + (f" ({token!r} is not in it)" if token else "")
            + f"; its special tokens are {special}."
        )
    return eos_id


@functools.lru_cache(maxsize=8)
def load_encoder(path: str, digest: str, eos_id: int) -> Any:
    """The model of the library, which takes a text that spells EOS for a text.

    Raises UserError if the file is no longer that of `digest`, and ImportError.
    """
    model = _load_model(path, digest)
    if path.endswith(".json"):
        token = model.get_added_tokens_decoder().get(eos_id)
        if token and not token.special:  # such a token would be looked for in every text
            model.add_special_tokens([token.content])
    return model


@functools.lru_cache(maxsize=8)
def _load_model(path: str, digest: str) -> Any:
    content = storage.read_file(path)
    if hashlib.sha256(content).hexdigest() != digest:
        raise UserError(f"{path} has changed since it was loaded: start again.")
    if path.endswith(".json"):
        import tokenizers

        model = tokenizers.Tokenizer.from_str(content.decode())
        model.no_truncation()
        model.no_padding()
        # A text that spells "<|endoftext|>" is a text, not the end of one.
        model.encode_special_tokens = True
        return model
    import sentencepiece

    return sentencepiece.SentencePieceProcessor(model_proto=content)
