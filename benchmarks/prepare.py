"""Speed and memory of preparation: the bare tokenizer, and what preparing a corpus makes of it.

    python -m benchmarks.prepare
    python -m benchmarks.prepare --megabytes 50 --vocabulary my.model --memory 200 1000

The documents are Python files of what is installed, in one file of JSON lines; without a file of
yours, a vocabulary is trained on them. CPU seconds are those of the whole process, all threads
together: what one core does, on a machine that others use too. A first turn of every side, in which
TensorFlow and the tokenizer set themselves up, is not counted. Peak memory is measured in a process
of its own for each size, over a corpus of made-up words, with filters and near-duplicates.
"""

import json
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure
from code_ablate.data.vocabulary import Vocabulary, load_vocabulary

_CORPORA = {False: "benchmarks.python", True: "benchmarks.python_filtered"}
_BATCH_DOCUMENTS = 64
_LONGEST_CHARACTERS = 200_000
_SAMPLE_CHARACTERS = 4000
_UNITS = ("megabytes", "documents", "tokens")

_MADE_UP = "benchmarks.made_up"
_WORDS_OF_DOCUMENT = 800


def main(argv: list[str] | None = None) -> None:
    """Measures every step by turns, and reports text, documents and tokens per CPU second."""
    flags = measure.parser(__doc__, repeats=3)
    flags.add_argument("--megabytes", type=float, default=20.0, help="text; default 20")
    flags.add_argument("--vocabulary", help="SentencePiece model; default: one is trained")
    flags.add_argument("--size", type=int, default=8000, help="of the one that is trained")
    flags.add_argument(
        "--memory",
        type=float,
        nargs="*",
        default=[50.0, 200.0],
        metavar="MB",
        help="sizes of corpora whose peak memory is measured; default: 50 200",
    )
    options = flags.parse_args(argv)

    with tempfile.TemporaryDirectory() as folder:
        texts = list(_python_files(options.megabytes * 1e6))
        size = sum(len(text.encode()) for text in texts)
        vocabulary = _vocabulary(options.vocabulary, options.size, texts, Path(folder))
        seconds: dict[str, list[float]] = {}
        tokens: dict[str, int | None] = {}
        for turn in range(options.repeats + 1):
            for name, side in _sides(texts, vocabulary, Path(folder)).items():
                begin = time.process_time()
                made = side()
                taken = time.process_time() - begin
                tokens[name] = _count_tokens(made)
                label = f"turn {turn}" if turn else "warm-up"
                measure.say(f"{name}, {label}: {taken:.2f} CPU seconds")
                if turn:
                    seconds.setdefault(name, []).append(taken)
        totals = {
            name: {"megabytes": size / 1e6, "documents": len(texts), "tokens": count}
            for name, count in tokens.items()
        }
        bare = seconds["library"]
        measure.report(
            "prepare",
            {
                "what": "text, documents and tokens per CPU second",
                "documents": len(texts),
                "bytes": size,
                "vocabulary_size": vocabulary.size,
                **{
                    f"{unit}_per_cpu_second": {
                        name: measure.spread(total[unit] / s for s in seconds[name])
                        for name, total in totals.items()
                        if total[unit] is not None
                    }
                    for unit in _UNITS
                },
                "share_of_library": {
                    name: measure.ratios(bare, taken)
                    for name, taken in seconds.items()
                    if name != "library"
                },
                "peak_memory": [_peak(vocabulary, size, folder) for size in options.memory],
            },
            repeats=options.repeats,
        )


def _count_tokens(made: Any) -> int | None:
    """Tokens of what a side made; None for one that makes none."""
    from code_ablate.data.preparing.extract import load_index
    from code_ablate.data.preparing.pieces import PieceResult

    if isinstance(made, PieceResult):
        return int(load_index(made.path)["tokens"].sum())
    return made if isinstance(made, int) else None


def _sides(
    texts: list[str], vocabulary: Vocabulary, folder: Path
) -> dict[str, Callable[[], object]]:
    import tensorflow as tf

    from code_ablate.data.preparing.extract import extract
    from code_ablate.data.preparing.near_duplicates import Deduplication, NearDuplicates
    from code_ablate.data.preparing.pieces import Piece
    from code_ablate.data.preparing.runner import Place

    source = _register(texts, folder)
    starts = range(0, len(texts), _BATCH_DOCUMENTS)
    sketches = NearDuplicates(Deduplication()).side_files(str(folder))

    def library() -> int:
        batches = (texts[i : i + _BATCH_DOCUMENTS] for i in starts)
        return sum(len(ids) for batch in batches for ids in vocabulary.encode(batch))

    def operator() -> None:
        dataset = tf.data.Dataset.from_tensor_slices(texts).map(vocabulary.seqio.encode_tf)
        list(dataset.ragged_batch(32))

    def extracted(*, filtered: bool, side_files: tuple = ()) -> Callable[[], object]:
        piece = Piece(
            _CORPORA[filtered],
            "train",
            0,
            1,
            vocabulary,
            0,
            str(folder),
            10**9,
            side_files=side_files,
        )
        return lambda: extract(piece, Place(threads=1))

    return {
        "library": library,
        "operator": operator,
        "source": lambda: [sum(1 for _ in source.read(unit)) for unit in source.units()],
        "source_in_tensorflow": lambda: list(source.get_dataset(shuffle=False).batch(32)),
        "extract": extracted(filtered=False),
        "extract_with_filters": extracted(filtered=True),
        "extract_with_filters_and_sketches": extracted(filtered=True, side_files=sketches),
    }


def _register(texts: list[str], folder: Path) -> Any:
    """The source of the documents, with a corpus without filters and one with those of code."""
    import seqio

    from code_ablate.data import filters
    from code_ablate.data.sources import documents
    from code_ablate.data.sources.files import Files

    file = folder / "documents.jsonl"
    if not file.exists():
        file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        for filtered, name in _CORPORA.items():
            if name in seqio.TaskRegistry.names():
                seqio.TaskRegistry.remove(name)
            seqio.TaskRegistry.add(
                name,
                source=Files(file, language="python"),
                preprocessors=[*(filters.CODE if filtered else ()), *documents.TOKENIZE],
                output_features=documents.FEATURES,
            )
    return seqio.TaskRegistry.get(_CORPORA[False]).source


def _peak(vocabulary: Vocabulary, megabytes: float, folder: str) -> Mapping[str, Any]:
    """What a process of its own says of preparing so much text."""
    arguments = {"vocabulary": vocabulary.path, "megabytes": megabytes, "folder": folder}
    command = [sys.executable, "-m", "benchmarks.child", "prepare", json.dumps(arguments)]
    child = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    figures = json.loads(child.stdout.splitlines()[-1])
    measure.say(f"{megabytes:g} MB: {figures['peak_bytes'] / 1e6:.0f} MB of memory at most")
    return figures


def prepare(vocabulary: str, megabytes: float, folder: str) -> dict[str, Any]:
    """Prepares a corpus of made-up words in this process alone: what it took."""
    import resource

    import seqio

    from code_ablate.data import filters
    from code_ablate.data.preparing.near_duplicates import Deduplication
    from code_ablate.data.preparing.prepare import PrepareConfig, make_stores
    from code_ablate.data.sources import documents
    from code_ablate.data.sources.files import Files

    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    with tempfile.TemporaryDirectory(dir=folder) as own:
        file = Path(own) / "made-up.jsonl"
        with open(file, "w", encoding="utf-8") as opened:
            opened.writelines(json.dumps({"text": text}) + "\n" for text in _made_up(megabytes))
        seqio.TaskRegistry.add(
            _MADE_UP,
            source=Files(file),
            preprocessors=[filters.Undecodable(), filters.Length(200), *documents.TOKENIZE],
            output_features=documents.FEATURES,
        )
        loaded, before, begin = load_vocabulary(vocabulary), peak(), time.process_time()
        config = PrepareConfig(workers=1, near_duplicates=Deduplication())
        store = make_stores((_MADE_UP,), loaded, own, config, progress=False)[_MADE_UP]
        return {
            "megabytes": store.manifest.read["bytes"] / 1e6,
            "documents": store.manifest.read["documents"],
            "peak_bytes": peak(),
            "bytes_before": before,
            "cpu_seconds": measure.shortened(time.process_time() - begin),
        }


def _made_up(megabytes: float) -> Iterator[str]:
    """Documents of some 5 kB: lines of words of which few are frequent, as in a language."""
    rng = np.random.default_rng(0)
    letters = np.array(list("etaoinshrdlucmfwyp"))
    words = np.array(["".join(rng.choice(letters, rng.integers(2, 10))) for _ in range(20_000)])
    size = 0
    while size < megabytes * 1e6:
        # The density 1/r of ranks (Zipf's law), by its inverse distribution.
        ranks = np.exp(rng.random(_WORDS_OF_DOCUMENT) * np.log(len(words))).astype(int) - 1
        lines: Sequence[np.ndarray] = np.array_split(words[ranks], _WORDS_OF_DOCUMENT // 12)
        text = "\n".join(" ".join(line) for line in lines)
        size += len(text)
        yield text


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
