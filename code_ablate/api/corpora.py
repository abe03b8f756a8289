"""A prepared corpus as tables: what `code_ablate.open_corpus` gives.

    corpus = open_corpus("demo.web_code", data="data")
    corpus.documents                # a row per document
    corpus.texts(3)                 # the first three, with their text
    corpus.windows(3, seq_len=128)  # as they are trained on

It reads the token store. Neither SeqIO nor JAX is needed, and nothing is prepared.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from etils import epath

from code_ablate.api.plots import Plot, bars_plot, histogram_plot
from code_ablate.data.filters.tally import FilterRecord
from code_ablate.data.funnel import funnel
from code_ablate.data.kept_vocabularies import load_kept_vocabulary
from code_ablate.data.manifest import MANIFEST, SPLITS
from code_ablate.data.preparing.prepared import finished_stores
from code_ablate.data.preparing.store_text import describe_store, text_of_window
from code_ablate.data.store import TokenStore
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.errors import UserError, unknown_name


@dataclass(frozen=True, repr=False)
class OpenCorpus:
    """A corpus, as its token store holds it. `print` shows what it is made of."""

    store: TokenStore
    """The token store."""
    data: str
    """Data folder in which its vocabulary is looked for."""
    vocabulary_file: str = ""
    """Vocabulary file of the user's own; empty: the one in the data folder."""
    eos_token: str = ""
    """Token of a tokenizer.json that ends a document."""

    def __repr__(self) -> str:
        return describe_store(self.store)

    @property
    def name(self) -> str:
        """Name of the corpus."""
        return self.store.manifest.corpus

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary of its tokens. Raises UserError if it is not found."""
        return load_kept_vocabulary(
            self.store.manifest.vocabulary["digest"],
            self.data,
            f"the store of {self.name!r}",
            file=self.vocabulary_file,
            eos_token=self.eos_token,
        )

    @property
    def documents(self) -> pd.DataFrame:
        """A row per document, in the order of the store, without text.

        Columns: split, document (its number within the split), tokens (with its EOS), bytes,
        bytes_per_token.
        """
        parts = []
        for split in SPLITS:
            tokens = np.diff(self.store.document_ends(split), prepend=0)
            sizes = self.store.document_bytes(split)
            columns = {"document": np.arange(len(tokens)), "tokens": tokens, "bytes": sizes}
            parts.append(pd.DataFrame({"split": split, **columns}))
        frame = pd.concat(parts, ignore_index=True)
        return frame.assign(bytes_per_token=frame["bytes"] / frame["tokens"])

    def texts(self, n: int = 3, *, first: int = 0, split: str = "train") -> pd.DataFrame:
        """`n` documents from number `first` on, or as many as there are, with their text.

        Columns: split, document, tokens, bytes, text.
        """
        require_split(split)
        numbers = _numbers(n, first, self.store.num_documents(split))
        tokens = [self.store.read_document(number, split) for number in numbers]
        return pd.DataFrame(
            {
                "split": split,
                "document": numbers,
                "tokens": [len(of_document) for of_document in tokens],
                "bytes": self.store.document_bytes(split)[numbers],
                "text": [self.vocabulary.decode(of_document) for of_document in tokens],
            }
        )

    def windows(
        self, n: int = 3, *, seq_len: int, first: int = 0, split: str = "train"
    ) -> pd.DataFrame:
        """`n` windows from number `first` on, or as many as there are, in the order of the store.

        `seq_len`: tokens that a window predicts; it holds one more. Columns: split, window,
        document_ends (EOS tokens in it), text, with `<EOS>` and a line end where a document ends
        and control characters written out.
        """
        require_split(split)
        numbers = _numbers(n, first, self.store.num_windows(require_length(seq_len), split))
        frame = self.windows_at(numbers, seq_len, split)
        return frame.assign(split=split)[["split", *frame.columns]]

    def windows_at(self, numbers: np.ndarray, seq_len: int, split: str = "train") -> pd.DataFrame:
        """The windows of these numbers, in this order: window, document_ends, text."""
        empty = np.empty((0, seq_len + 1), np.int32)
        read = self.store.read_windows(numbers, seq_len, split) if len(numbers) else empty
        return pd.DataFrame(
            {
                "window": np.asarray(numbers, np.int64),
                "document_ends": (read == self.vocabulary.eos_id).sum(axis=1),
                "text": [text_of_window(window, self.vocabulary) for window in read],
            }
        )

    @property
    def funnel(self) -> pd.DataFrame:
        """What is left after each step of preparation: step, documents, bytes.

        The first step is what the source gave, the last one what the store holds.
        """
        steps = funnel(self.store.manifest)
        return pd.DataFrame(
            [(step.name, step.documents, step.bytes) for step in steps],
            columns=["step", "documents", "bytes"],
        )

    @property
    def filters(self) -> pd.DataFrame:
        """What each filter did: filter, kind, seen, seen_bytes, dropped, dropped_bytes, passed_by.

        `passed_by`: documents in languages that it does not look at. Of a filter that changes
        documents, `dropped` are those that it changed.
        """
        columns = ["kind", "seen", "seen_bytes", "dropped", "dropped_bytes", "passed_by"]
        rows = []
        for name, plain in self.store.manifest.filters.items():
            record = FilterRecord.of(plain)
            rows.append([name, *(getattr(record, column) for column in columns)])
        return pd.DataFrame(rows, columns=["filter", *columns])

    def plot_funnel(self) -> Plot:
        """Documents that are left after each step."""
        return bars_plot(
            self.funnel, "step", {"documents": "documents"}, "documents left", title=self.name
        )

    def plot_documents(self) -> Plot:
        """Tokens of the documents, as a histogram."""
        return histogram_plot(
            self.documents["tokens"], "tokens in a document", title=f"{self.name}: documents"
        )


def open_corpus(
    corpus: epath.PathLike,
    *,
    data: epath.PathLike = "data",
    vocabulary: str = "",
    eos_token: str = "",
) -> OpenCorpus:
    """A corpus that is prepared: its name, or the folder of its token store.

    `data`: the folder of token stores and vocabularies; that of a store which is given by its
    folder is the one it lies in. `vocabulary`, `eos_token`: file of the user's own, where the
    corpus was prepared with one. Raises UserError if there is no such corpus, or if several stores
    of it were prepared, which differ.
    """
    folder, where = epath.Path(corpus), epath.Path(data)
    if (folder / MANIFEST).exists() or "/" in str(corpus):
        where = folder.parent.parent
    else:
        folder = _folder_of(str(corpus), where)
    return OpenCorpus(TokenStore.open(folder), str(where), vocabulary, eos_token)


def require_split(split: str) -> None:
    """Raises UserError if a token store has no such split."""
    if split not in SPLITS:
        raise unknown_name("split", split, SPLITS)


def require_length(seq_len: int) -> int:
    """The length of a window; UserError if it is none."""
    if isinstance(seq_len, bool) or not isinstance(seq_len, int) or seq_len < 1:
        raise UserError(
            f"seq_len is {seq_len!r}: give the tokens that a window predicts, 1 or more."
        )
    return seq_len


def _numbers(n: int, first: int, total: int) -> np.ndarray:
    if n < 0 or first < 0:
        raise UserError(f"n is {n} and first {first}: both are 0 or more.")
    return np.arange(first, max(first, min(first + n, total)))


def _folder_of(corpus: str, data: epath.Path) -> epath.Path:
    """The only finished store of a corpus."""
    stores = list(finished_stores(data))
    if not stores:
        raise UserError(
            f"no token store of {corpus!r}: {data / 'stores'} holds none that this version reads. "
            "Name the data folder, or prepare the corpus with code-ablate prepare."
        )
    paths = [path for path, manifest in stores if manifest.corpus == corpus]
    if not paths:
        raise unknown_name(f"prepared corpus in {data}", corpus, {m.corpus for _, m in stores})
    if len(paths) > 1:
        raise UserError(
            f"{len(paths)} stores of {corpus!r} were prepared, from other sources or with other "
            f"settings: give the folder of one of them: {', '.join(map(str, paths))}."
        )
    return paths[0]
