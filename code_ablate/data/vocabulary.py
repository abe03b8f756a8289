"""The study's vocabulary: trained on a sample of the corpora, or the user's own file.

    config = VocabularyConfig("demo", size=4096, corpora=("demo.text", "demo.web_code"))
    vocabulary = train(config, "data")                       # later on: resolve(config, "data")
    vocabulary.decode(vocabulary.encode(["a  b\\r\\n"])[0])     # 'a  b\\r\\n'

A vocabulary trained here is a SentencePiece BPE with byte fallback, and lossless: decode(encode(x))
== x for every str that UTF-8 can hold, that is all without lone surrogates (`encode` raises
UnicodeEncodeError for those). SentencePiece itself writes spaces as U+2581 and so confuses the two;
here U+2581 of the text is escaped as U+10FFFF 1, and U+10FFFF as U+10FFFF 2, by the model's own
normaliser, and undone by its denormaliser. Nothing else is normalised. A prefix of the ids may end
inside a character. A model of the user's own is as lossless as it was trained to be.
"""

import functools
import hashlib
import io
import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from etils import epath
from jaxtyping import Int

from code_ablate import storage
from code_ablate.errors import UserError
from code_ablate.identity import identity

if TYPE_CHECKING:
    import seqio

_RECIPE = 1
"""Raise it when `_train_model` changes what it makes of the same text."""

_ESCAPE = "\U0010ffff"
_ENCODE_RULES = (("\u2581", _ESCAPE + "1"), (_ESCAPE, _ESCAPE + "2"))
_MAX_PIECE_CHARACTERS = 16
_MAX_LINE_BYTES = 4096  # SentencePiece leaves out longer lines; they are cut for it


@dataclass(frozen=True)
class VocabularyConfig:
    """Which vocabulary a study uses, and how it is trained if it is not a file of the user's."""

    name: str = "vocabulary"
    """Path or URL of a SentencePiece `.model` or a Hugging Face `tokenizer.json`; or a plain name,
    of a vocabulary that is trained and kept as `<data_dir>/vocabularies/<name>-<key>.model`."""
    size: int = 32768
    """Entries. Of a file: its size must be this, or this must be 0."""
    corpora: tuple[str, ...] = ()
    """SeqIO Tasks it is trained on, in equal parts."""
    sample_bytes: int = 100_000_000
    """Bytes of text it is trained on, over all corpora."""
    seed: int = 0
    """Chooses the sample."""
    eos_token: str = ""
    """For tokenizer.json: the token that ends a document. Empty: what tokenizer_config.json beside
    the file says, or the only special token there is."""

    def __post_init__(self):
        if not self.name:
            raise UserError("VocabularyConfig.name is empty: give a name, or the path of a model.")
        if self.is_file:
            return
        if "/" in self.name or self.name.startswith("."):
            raise UserError(
                f"VocabularyConfig.name = {self.name!r} is neither a plain name nor the path of a "
                "SentencePiece .model or a tokenizer.json."
            )
        if self.size < 300:
            raise UserError(
                f"VocabularyConfig.size is {self.size}: 256 bytes, pad, eos and unk come first; "
                "make it 300 or more."
            )
        if self.sample_bytes < 1:
            raise UserError(
                f"VocabularyConfig.sample_bytes is {self.sample_bytes}: must be above 0."
            )

    @property
    def is_file(self) -> bool:
        """Whether `name` is a file of the user's."""
        return self.name.endswith((".model", ".json"))


@dataclass(frozen=True)
class Vocabulary:
    """A loaded vocabulary. Pickles as its path; what it needs is loaded when first used."""

    name: str
    """As configured."""
    path: str
    """Of the model file."""
    size: int
    """Number of ids."""
    digest: str
    """sha256 of the model file."""
    eos_id: int
    """The id that ends a document."""

    def encode(self, texts: Sequence[str]) -> list[Int[np.ndarray, " T"]]:
        """The ids of each text as int32, without EOS."""
        if self.path.endswith(".json"):
            encodings = self._model.encode_batch(list(texts), add_special_tokens=False)
            return [np.array(encoding.ids, np.int32) for encoding in encodings]
        return [np.array(ids, np.int32) for ids in self._model.encode(list(texts))]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of `ids`; EOS and padding give nothing."""
        plain = np.asarray(ids, np.int64).tolist()
        if self.path.endswith(".json"):
            return self._model.decode(plain, skip_special_tokens=True)
        return self._model.decode(plain)

    def piece(self, token: int) -> str:
        """One id, readable."""
        if self.path.endswith(".json"):
            return self._model.id_to_token(int(token)) or f"<{token}>"
        return self._model.id_to_piece(int(token))

    @property
    def info(self) -> dict[str, Any]:
        """name, size, digest and eos_id, as a manifest holds them."""
        return {"name": self.name, "size": self.size, "digest": self.digest, "eos_id": self.eos_id}

    @property
    def seqio(self) -> "seqio.Vocabulary":
        """The same vocabulary for SeqIO Tasks: `encode_tf` gives the ids that `encode` gives."""
        return _seqio_vocabulary(self)

    @property
    def _model(self) -> Any:
        return _load_model(self.path, self.digest)


def resolve(config: VocabularyConfig, data_dir: epath.PathLike) -> Vocabulary:
    """Loads the vocabulary. Raises UserError, saying what to do, if it is missing or unusable.

    Of a vocabulary to be trained, `config.corpora` must be registered: they are part of its key.
    """
    if config.is_file:
        return load(config, config.name)
    path = model_path(config, data_dir)
    if not path.exists():
        raise UserError(
            f"vocabulary {config.name!r} is not trained yet for these corpora and settings ({path} "
            "does not exist): run code-ablate prepare."
        )
    return load(config, path)


def model_path(config: VocabularyConfig, data_dir: epath.PathLike) -> epath.Path:
    """Where a trained vocabulary is kept. The key covers settings, sources and filters."""
    from code_ablate.data.preparing.task_run import find_task, task_fingerprint

    made_of = {
        "recipe": _RECIPE,
        "size": config.size,
        "sample_bytes": config.sample_bytes,
        "seed": config.seed,
        "corpora": {name: task_fingerprint(find_task(name)) for name in config.corpora},
    }
    return epath.Path(data_dir) / "vocabularies" / f"{config.name}-{identity(made_of)[:12]}.model"


def train(
    config: VocabularyConfig, data_dir: epath.PathLike, *, progress: bool = True
) -> Vocabulary:
    """Trains the vocabulary, unless it is there already, and loads it. Deterministic.

    Raises UserError if a corpus is unknown or empty, or the sample too small for `config.size`.
    """
    if config.is_file:
        return resolve(config, data_dir)
    if not config.corpora:
        raise UserError(
            f"vocabulary {config.name!r} has no corpora to be trained on: set "
            "VocabularyConfig.corpora, or make VocabularyConfig.name the path of a model."
        )
    path = model_path(config, data_dir)
    if path.exists():
        return load(config, path)
    from code_ablate.data.preparing.task_run import sample_texts

    part = -(-config.sample_bytes // len(config.corpora))
    texts: list[str] = []
    for corpus in config.corpora:
        texts += sample_texts(corpus, part, config.seed, progress=progress)
    model = train_model(texts, config.size)
    path.parent.mkdir(parents=True, exist_ok=True)
    storage.replace(path, model)
    return load(config, path)


def train_model(texts: Iterable[str], size: int) -> bytes:
    """A SentencePiece model of `size` entries for `texts`, serialised. Deterministic."""
    import sentencepiece

    undo = tuple((written, meant) for meant, written in _ENCODE_RULES)
    out = io.BytesIO()
    with tempfile.TemporaryDirectory() as scratch:
        rules = epath.Path(scratch)
        (rules / "encode.tsv").write_text(_rule_lines(_ENCODE_RULES))
        (rules / "decode.tsv").write_text(_rule_lines(undo))
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=_lines(texts),
                model_writer=out,
                model_type="bpe",
                vocab_size=size,
                byte_fallback=True,
                normalization_rule_tsv=str(rules / "encode.tsv"),
                denormalization_rule_tsv=str(rules / "decode.tsv"),
                add_dummy_prefix=False,
                remove_extra_whitespaces=False,
                user_defined_symbols=["\n", "\t"],
                split_digits=True,
                allow_whitespace_only_pieces=True,
                max_sentencepiece_length=_MAX_PIECE_CHARACTERS,
                max_sentence_length=4 * _MAX_LINE_BYTES,
                character_coverage=0.9995,
                shuffle_input_sentence=False,
                pad_id=0,  # these three are where SeqIO expects them
                eos_id=1,
                unk_id=2,
                bos_id=-1,
                num_threads=2,  # written into the model: a constant keeps the digest the same
                minloglevel=2,
            )
        except RuntimeError as error:
            raise UserError(
                f"a vocabulary of {size} entries cannot be trained on this sample ({error}): lower "
                "VocabularyConfig.size, or raise sample_bytes."
            ) from error
    return _without_paths(out.getvalue())


def _lines(texts: Iterable[str]) -> Iterable[str]:
    # A piece never holds a newline, so nothing is lost by training on lines.
    for text in texts:
        for line in text.split("\n"):
            for start in range(0, len(line), _MAX_LINE_BYTES):
                yield line[start : start + _MAX_LINE_BYTES]


def _rule_lines(rules: Iterable[tuple[str, str]]) -> str:
    def points(text: str) -> str:
        return " ".join(f"{ord(character):X}" for character in text)

    return "".join(f"{points(old)}\t{points(new)}\n" for old, new in rules)


def _without_paths(model: bytes) -> bytes:
    """The model without the names of the temporary rule files, so that equal models are equal
    bytes."""
    from sentencepiece import sentencepiece_model_pb2

    proto = sentencepiece_model_pb2.ModelProto.FromString(model)
    for spec in (proto.normalizer_spec, proto.denormalizer_spec):
        spec.ClearField("normalization_rule_tsv")
    return proto.SerializeToString(deterministic=True)


def load(config: VocabularyConfig, path: epath.PathLike) -> Vocabulary:
    """The vocabulary in the file `path`. Raises UserError if there is none, or not `config`'s."""
    path = epath.Path(path)
    if not path.exists():
        raise UserError(
            f"no vocabulary file at {path} (VocabularyConfig.name): correct the path, or give a "
            "plain name to have a vocabulary trained."
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    try:
        model = _load_model(str(path), digest)
        if path.suffix == ".json":
            size, eos_id = model.get_vocab_size(), _huggingface_eos(model, path, config.eos_token)
        else:
            size, eos_id = model.vocab_size(), model.eos_id()
    except UserError:
        raise
    except Exception as error:  # `tokenizers` raises plain Exception
        kind = "tokenizer.json" if path.suffix == ".json" else "SentencePiece model"
        raise UserError(f"{path} is not a {kind} that can be read: {error}") from error
    if eos_id < 0:
        raise UserError(f"{path} defines no EOS: documents need one; train it with an eos_id.")
    if config.size not in (0, size):
        raise UserError(
            f"{path} has {size} entries; VocabularyConfig.size is {config.size}: make it {size}."
        )
    return Vocabulary(config.name, str(path), size, digest, eos_id)


def _huggingface_eos(model: Any, path: epath.Path, configured: str) -> int:
    special = sorted(t.content for t in model.get_added_tokens_decoder().values() if t.special)
    token = configured
    beside = path.parent / "tokenizer_config.json"
    if not token and beside.exists():
        named = json.loads(beside.read_text()).get("eos_token") or ""
        token = named["content"] if isinstance(named, dict) else named
    if not token and len(special) == 1:
        token = special[0]
    found = model.token_to_id(token) if token else None
    if found is None:
        raise UserError(
            f"which token of {path} ends a document? Set VocabularyConfig.eos_token"
            + (f" ({token!r} is not in it)" if token else "")
            + f"; its special tokens are {special}."
        )
    return found


@functools.lru_cache(maxsize=8)
def _load_model(path: str, digest: str) -> Any:
    content = epath.Path(path).read_bytes()
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


@functools.lru_cache(maxsize=8)
def _seqio_vocabulary(vocabulary: Vocabulary) -> "seqio.Vocabulary":
    if vocabulary.path.endswith(".json"):
        from code_ablate.data.huggingface_vocabulary import HuggingFaceVocabulary

        return HuggingFaceVocabulary(vocabulary)
    import seqio

    if not storage.is_remote(vocabulary.path):
        return seqio.SentencePieceVocabulary(vocabulary.path)
    # SeqIO would have TensorFlow read it, which has credentials of its own and knows no s3://.
    with tempfile.TemporaryDirectory() as scratch:
        copy = epath.Path(scratch) / "vocabulary.model"
        copy.write_bytes(epath.Path(vocabulary.path).read_bytes())
        loaded = seqio.SentencePieceVocabulary(str(copy))
        loaded.load_model()
    return loaded
