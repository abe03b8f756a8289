"""Bytes of text per CPU second: the bare tokenizer, and what preparing a corpus makes of it.

    python -m benchmarks.prepare
    python -m benchmarks.prepare --megabytes 50 --vocabulary my.model

The documents are Python files of what is installed, in one file of JSON lines; without a file of
yours, a vocabulary is trained on them. CPU seconds are those of the whole process, all threads
together: what one core does, on a machine that others use too.
"""

import json
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import measure
from code_ablate.data.vocabulary import Vocabulary, load_vocabulary

_CORPUS = "benchmarks.python"
_BATCH_DOCUMENTS = 64
_LONGEST_CHARACTERS = 200_000
_SAMPLE_CHARACTERS = 4000


def main(argv: list[str] | None = None) -> None:
    """Measures every step by turns, and reports megabytes of text per CPU second."""
    flags = measure.parser(__doc__, repeats=3)
    flags.add_argument("--megabytes", type=float, default=20.0, help="text; default 20")
    flags.add_argument("--vocabulary", help="SentencePiece model; default: one is trained")
    flags.add_argument("--size", type=int, default=8000, help="of the one that is trained")
    options = flags.parse_args(argv)

    with tempfile.TemporaryDirectory() as folder:
        texts = list(_python_files(options.megabytes * 1e6))
        size = sum(len(text.encode()) for text in texts)
        vocabulary = _vocabulary(options.vocabulary, options.size, texts, Path(folder))
        seconds: dict[str, list[float]] = {}
        for repeat in range(options.repeats):
            for name, side in _sides(texts, vocabulary, Path(folder)).items():
                begin = time.process_time()
                side()
                seconds.setdefault(name, []).append(time.process_time() - begin)
                measure.say(f"{name}, {repeat + 1}: {seconds[name][-1]:.2f} CPU seconds")
    bare = seconds["library"]
    measure.report(
        "prepare",
        {
            "what": "megabytes of text per CPU second",
            "documents": len(texts),
            "bytes": size,
            "vocabulary_size": vocabulary.size,
            "megabytes_per_cpu_second": {
                name: measure.spread(size / 1e6 / s for s in taken)
                for name, taken in seconds.items()
            },
            "share_of_library": {
                name: measure.ratios(bare, taken)
                for name, taken in seconds.items()
                if name != "library"
            },
        },
        repeats=options.repeats,
    )


def _sides(
    texts: list[str], vocabulary: Vocabulary, folder: Path
) -> dict[str, Callable[[], object]]:
    import seqio
    import tensorflow as tf

    from code_ablate.data.preparing.extract import extract
    from code_ablate.data.preparing.pieces import Piece
    from code_ablate.data.preparing.runner import Place
    from code_ablate.data.sources import documents
    from code_ablate.data.sources.files import Files

    file = folder / "documents.jsonl"
    if not file.exists():
        file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        source = Files(file)
        if _CORPUS in seqio.TaskRegistry.names():
            seqio.TaskRegistry.remove(_CORPUS)
        seqio.TaskRegistry.add(
            _CORPUS,
            source=source,
            preprocessors=[*documents.TOKENIZE],
            output_features=documents.FEATURES,
        )
    source = seqio.TaskRegistry.get(_CORPUS).source
    piece = Piece(_CORPUS, "train", 0, 1, vocabulary, 0, str(folder), 10**9)
    starts = range(0, len(texts), _BATCH_DOCUMENTS)

    def operator() -> list:
        dataset = tf.data.Dataset.from_tensor_slices(texts).map(vocabulary.seqio.encode_tf)
        return list(dataset.ragged_batch(32))

    return {
        "library": lambda: [vocabulary.encode(texts[i : i + _BATCH_DOCUMENTS]) for i in starts],
        "operator": operator,
        "source": lambda: [sum(1 for _ in source.read(unit)) for unit in source.units()],
        "source_in_tensorflow": lambda: list(source.get_dataset(shuffle=False).batch(32)),
        "extract": lambda: extract(piece, Place(threads=1)),
    }


def _python_files(size: float) -> Iterator[str]:
    """Texts of `size` bytes together, or of all files there are."""
    read = 0.0
    for file in sorted(Path(sysconfig.get_path("purelib")).rglob("*.py")):
        text = file.read_text("utf-8", "ignore")
        if text and len(text) < _LONGEST_CHARACTERS:
            yield text
            read += len(text.encode())
        if read >= size:
            return


def _vocabulary(path: str | None, size: int, texts: list[str], folder: Path) -> Vocabulary:
    from code_ablate.data.preparing.vocabulary_training import train_model

    if path is not None:
        return load_vocabulary(path)
    model = folder / "trained.model"
    model.write_bytes(train_model([text[:_SAMPLE_CHARACTERS] for text in texts[::3]], size))
    return load_vocabulary(model)


if __name__ == "__main__":
    measure.command(main)
