"""Finds and trains the study's vocabulary.

    config = VocabularyConfig("demo", size=4096, corpora=("demo.text", "demo.web_code"))
    vocabulary = make_vocabulary(config, "data")        # trains it if it is not there
    vocabulary = find_vocabulary(config, "data")        # raises UserError if it is not there

A vocabulary trained here is a SentencePiece BPE with byte fallback, and lossless: decode(encode(x))
== x for every str that UTF-8 can hold, that is all without lone surrogates (`encode` raises
UnicodeEncodeError for those). SentencePiece itself writes spaces as U+2581 and so confuses the two;
here U+2581 of the text is escaped as U+10FFFF 1, and U+10FFFF as U+10FFFF 2, by the model's own
normaliser, and undone by its denormaliser. Nothing else is normalised. A prefix of the ids may end
inside a character. A model of the user's own is as lossless as it was trained to be.
"""

import io
import re
import tempfile
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from etils import epath
from tqdm import tqdm

from code_ablate import storage
from code_ablate.data.preparing.corpus_fingerprint import corpus_fingerprint
from code_ablate.data.preparing.prepared import say_unchecked, vocabulary_in_stores
from code_ablate.data.preparing.signatures import split_bound, split_word, text_hash
from code_ablate.data.registry import INSTALL, seqio_is_installed
from code_ablate.data.vocabulary import (
    Vocabulary,
    VocabularyConfig,
    load_vocabulary,
)
from code_ablate.data.vocabulary_files import VocabularyRecord, file_digest
from code_ablate.errors import UserError
from code_ablate.identity import differences, identity

if TYPE_CHECKING:
    import seqio

    from code_ablate.data.preparing.task_run import TaskRun

_RECIPE = 4
"""Version of the sample and of `train_model`: raised when they make something else of a text."""

_ESCAPE = "\U0010ffff"
_ENCODE_RULES = (("\u2581", _ESCAPE + "1"), (_ESCAPE, _ESCAPE + "2"))
_MAX_PIECE_CHARACTERS = 16
_MAX_LINE_BYTES = 4096  # SentencePiece leaves out longer lines; they are cut for it

_SAMPLE_SHARDS = 8
_SAMPLE_OVERSHOOT = 2  # bytes read for each byte wanted, to choose among
_SAMPLE_PIECE_CHARACTERS = 8192


def find_vocabulary(config: VocabularyConfig, data_dir: epath.PathLike) -> Vocabulary:
    """The vocabulary that `config` means. Raises UserError, saying what to do, if there is none.

    The key of a trained vocabulary covers its corpora, which must be registered. Where SeqIO is not
    installed, the only trained vocabulary that was made for these settings is taken instead.
    """
    if config.is_file:
        return load_vocabulary(config.name, config, recorded=_recorded(config.name, data_dir))
    if not seqio_is_installed():
        return _only_fitting(config, data_dir)
    path = vocabulary_path(config, data_dir)
    if not path.exists():
        raise UserError(
            f"vocabulary {config.name!r} is not trained yet for these corpora and settings ({path} "
            "does not exist): run code-ablate prepare."
        )
    return load_vocabulary(path, config)


def require_held_out(config: VocabularyConfig, validation_fraction: float) -> None:
    """Raises UserError if a vocabulary would be trained on documents of the validation split."""
    if not config.is_file and validation_fraction > config.held_out:
        raise UserError(
            f"PrepareConfig.validation_fraction is {validation_fraction:g}, and the vocabulary "
            f"leaves out {config.held_out:g} of the documents: set VocabularyConfig.held_out to "
            f"{validation_fraction:g} or more, so that it is not trained on validation documents."
        )


def has_vocabulary(config: VocabularyConfig, data_dir: epath.PathLike) -> bool:
    """Whether there is such a vocabulary, for `find_vocabulary` to find or to choose from."""
    if config.is_file:
        return True
    if not seqio_is_installed():
        return bool(_by_record(config, data_dir)[0])
    # The key needs every corpus' sources: where nothing is trained yet, it need not be known.
    folder = _folder(data_dir)
    if not folder.exists() or not any(folder.glob(f"{config.name}-*.model")):
        return False
    return vocabulary_path(config, data_dir).exists()


def make_vocabulary(
    config: VocabularyConfig, data_dir: epath.PathLike, *, progress: bool = True
) -> Vocabulary:
    """Trains the vocabulary, unless it is there already, and loads it. Deterministic.

    Raises UserError if a corpus is unknown or empty, or the sample too small for `config.size`.
    """
    if config.is_file or not seqio_is_installed():
        return find_vocabulary(config, data_dir)
    if not config.corpora:
        raise UserError(
            f"vocabulary {config.name!r} has no corpora to be trained on: set "
            "VocabularyConfig.corpora, or make VocabularyConfig.name the path of a model."
        )
    path = vocabulary_path(config, data_dir)
    if not path.exists():
        part = -(-config.sample_bytes // len(config.corpora))
        texts: list[str] = []
        for corpus in config.corpora:
            texts += sample_texts(corpus, part, config, progress=progress)
        model = train_model(texts, config.size)
        path.parent.mkdir(parents=True, exist_ok=True)
        storage.replace(path, model)
    vocabulary = load_vocabulary(path, config)
    if VocabularyRecord.read(path) is None:
        made_of = _made_of(config)
        record = VocabularyRecord(vocabulary.digest, vocabulary.size, vocabulary.eos_id, made_of)
        record.write(path)
    return vocabulary


def vocabulary_path(config: VocabularyConfig, data_dir: epath.PathLike) -> epath.Path:
    """Where a trained vocabulary is kept. The key covers settings, sources and filters."""
    return _folder(data_dir) / f"{config.name}-{identity(_made_of(config))[:12]}.model"


def _folder(data_dir: epath.PathLike) -> epath.Path:
    return epath.Path(data_dir) / "vocabularies"


def _made_of(config: VocabularyConfig) -> dict[str, Any]:
    """What a trained vocabulary is made of, as plain values."""
    corpora = {name: corpus_fingerprint(name) for name in config.corpora}
    return {**_settings(config), "corpora": corpora}


def _settings(config: VocabularyConfig) -> dict[str, Any]:
    """The part of `_made_of` that needs no corpora."""
    return {
        "recipe": _RECIPE,
        "size": config.size,
        "sample_bytes": config.sample_bytes,
        "seed": config.seed,
        "held_out": config.held_out,
    }


def _recorded(path: epath.PathLike, data_dir: epath.PathLike) -> dict[str, Any] | None:
    """Size and EOS of a file of the user's own, from the stores that were made with it."""
    return vocabulary_in_stores(file_digest(path), data_dir) if epath.Path(path).exists() else None


def _by_record(
    config: VocabularyConfig, data_dir: epath.PathLike
) -> tuple[list[epath.Path], list[str]]:
    """(trained vocabularies of this name that were made for these settings, why not the others)."""
    wanted = {**_settings(config), "corpora": sorted(config.corpora)}
    fitting, reasons = [], []
    folder = _folder(data_dir)
    for path in sorted(folder.glob(f"{config.name}-*.model")) if folder.exists() else ():
        if path.stem.rpartition("-")[0] != config.name:
            continue
        record = VocabularyRecord.read(path)
        if record is None:
            reasons.append(f"{path.name} has no record of what it was made of beside it")
            continue
        made_of = {**record.made_of, "corpora": sorted(record.made_of["corpora"])}
        if identity(made_of) == identity(wanted):
            fitting.append(path)
        else:
            reasons.append(f"{path.name} differs in {'; '.join(differences(made_of, wanted))}")
    return fitting, reasons


def _only_fitting(config: VocabularyConfig, data_dir: epath.PathLike) -> Vocabulary:
    fitting, reasons = _by_record(config, data_dir)
    if len(fitting) == 1:
        say_unchecked("vocabularies")
        return load_vocabulary(fitting[0], config)
    if fitting:
        names = ", ".join(str(path) for path in fitting)
        raise UserError(
            f"{len(fitting)} vocabularies {config.name!r} were trained for these settings, on "
            f"different sources or filters: {names}. Make VocabularyConfig.name the path of the "
            f"one that is meant, or have its corpora checked: {INSTALL}."
        )
    raise UserError(
        f"no vocabulary {config.name!r} in {_folder(data_dir)} was trained for these settings"
        + "".join(f"; {reason}" for reason in reasons)
        + f". To train one: {INSTALL}, then code-ablate prepare; or make VocabularyConfig.name the "
        "path of one."
    )


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
            raise UserError(_why_untrained(size, str(error))) from error
    return _without_paths(out.getvalue())


def _why_untrained(size: int, error: str) -> str:
    """What to do where SentencePiece gave up; it says which size would do."""
    head = f"a vocabulary of {size:,} entries cannot be trained on this sample"
    too_small = re.search(r"smaller than required_chars\. \d+ vs (\d+)", error)
    if too_small:
        return (
            f"{head}: its characters, 256 bytes and special tokens are {int(too_small[1]):,} "
            f"already, before any word. Set VocabularyConfig.size to well above {too_small[1]}."
        )
    too_large = re.search(r"size too high .* value <= (\d+)", error)
    if too_large:
        return (
            f"{head}: it has text for {int(too_large[1]):,}. Set VocabularyConfig.size to "
            f"{too_large[1]} or less, or raise VocabularyConfig.sample_bytes, or add corpora."
        )
    return f"{head}: SentencePiece says {error!r}."


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


def sample_texts(
    corpus: str, size: int, config: VocabularyConfig, *, progress: bool = True
) -> list[str]:
    """Text of about `size` bytes from the train split, in pieces, chosen by `config.seed`.

    Of documents that may be held out for validation none, nor of those that equal a document of
    the source's own validation split. Reads at most twice as much, from a seeded choice of shards,
    and chooses pieces among that. All text of a smaller corpus is taken. Raises UserError if the
    corpus is empty.
    """
    from code_ablate.data.preparing.task_run import find_task

    task = find_task(corpus)
    in_validation = _validation_hashes(task, config.seed, progress)
    rng = np.random.default_rng(config.seed)
    pieces: list[str] = []
    with tqdm(
        total=_SAMPLE_OVERSHOOT * size,
        desc=f"sample {corpus}",
        unit="B",
        unit_scale=True,
        disable=not progress,
    ) as bar:
        bound = split_bound(config.held_out)
        for content, split in _texts(task, _SAMPLE_OVERSHOOT * size, config.seed, rng):
            bar.update(len(content))
            if split < bound or text_hash(content) in in_validation:
                continue
            text = content.decode("utf-8", "replace")
            for start in range(0, len(text), _SAMPLE_PIECE_CHARACTERS):
                pieces.append(text[start : start + _SAMPLE_PIECE_CHARACTERS])
    if not pieces:
        raise UserError(f"corpus {corpus!r} is empty after its filters: nothing to train on.")
    chosen, taken = [], 0
    for index in rng.permutation(len(pieces)):
        if taken >= size:
            break
        chosen.append(pieces[index])
        taken += len(pieces[index].encode())
    return chosen


def _texts(
    task: "seqio.Task", size: int, seed: int, rng: np.random.Generator
) -> Iterator[tuple[bytes, int]]:
    """Documents up to `size` bytes, spread over shards: text in UTF-8, and `split_word`."""
    import seqio

    from code_ablate.data.preparing.task_run import TaskRun
    from code_ablate.data.registry import TRAIN

    vocabulary = seqio.ByteVocabulary()
    shards, chosen = 1, [0]
    shuffle = task.source.supports_arbitrary_sharding
    if not shuffle:
        shards = len(task.source.list_shards(TRAIN))
        chosen = rng.permutation(shards)[:_SAMPLE_SHARDS].tolist()
        size //= max(1, len(chosen))
    for i in chosen:
        run = TaskRun(task, vocabulary, piece=i, pieces=shards, seed=seed, shuffle=shuffle)
        yield from _up_to(size, _texts_of(run))


def _up_to(size: int, texts: Iterable[tuple[bytes, int]]) -> Iterator[tuple[bytes, int]]:
    """The first texts, until there are `size` bytes."""
    read = 0
    for text, split in texts:
        if read >= size:
            break
        read += len(text)
        yield text, split


def _validation_hashes(task: "seqio.Task", seed: int, progress: bool) -> set[tuple[int, ...]]:
    """Hashes of the documents in the source's own validation split, if it has one."""
    import seqio

    from code_ablate.data.preparing.task_run import VALIDATION, TaskRun, corpus_splits

    if VALIDATION not in corpus_splits(task):
        return set()
    run = TaskRun(task, seqio.ByteVocabulary(), split=VALIDATION, seed=seed)
    with tqdm(_texts_of(run), f"validation {task.name}", unit="doc", disable=not progress) as bar:
        return {text_hash(text) for text, _ in bar}


def _texts_of(run: "TaskRun") -> Iterator[tuple[bytes, int]]:
    """The text of each document, in UTF-8, with its `split_word`."""
    import seqio

    for document in run:
        text = document.text
        if text is None:
            text = seqio.ByteVocabulary().decode(document.tokens.tolist()).encode()
        yield text, split_word(text) if document.split is None else document.split
