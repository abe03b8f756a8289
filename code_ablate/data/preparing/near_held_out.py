"""Training documents that resemble the validation documents of other corpora.

    NearHeldOut(config, stores, vocabulary, folder).judge([documents])

A corpus that is not in `Deduplication.order`, such as one language of another corpus, may hold what
the corpora of the order hold, and keeps it, except for training documents that resemble what the
others hold out for validation: bits per byte are measured there, also of models that were trained
on this corpus. The validation documents are read back from the finished stores.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from code_ablate.data.manifest import VALIDATION
from code_ablate.data.preparing.extracted import Documents
from code_ablate.data.preparing.near_duplicates import (
    NEAR_VALIDATION,
    Deduplication,
    NearDuplicates,
    Together,
)
from code_ablate.data.preparing.runner import Group, group_here
from code_ablate.data.preparing.shared_files import new_files
from code_ablate.data.preparing.side_files import SideFiles
from code_ablate.data.preparing.signatures import index_dtype, text_hash
from code_ablate.data.preparing.verdicts import Verdicts
from code_ablate.data.store import TokenStore
from code_ablate.data.vocabulary import Vocabulary


@dataclass(frozen=True)
class NearHeldOut:
    """Leaves out training documents that resemble validation documents of some stores."""

    config: Deduplication
    """Which documents count as near-duplicates."""
    stores: Mapping[str, TokenStore]
    """Stores of other corpora, by name."""
    vocabulary: Vocabulary
    """Vocabulary of the stores' tokens."""
    folder: str
    """Folder for sketches of their validation documents."""

    @property
    def signatures(self) -> tuple[str, ...]:
        """The hash of the text."""
        return NearDuplicates(self.config).signatures

    def side_files(self, folder: str) -> tuple[SideFiles, ...]:
        """Sketches, shingles and names."""
        return NearDuplicates(self.config).side_files(folder)

    def judge(self, corpora: Sequence[Documents], group: Group = group_here) -> list[Verdicts]:
        """The verdicts over each corpus."""
        held_out = [self._read_back(corpus, store) for corpus, store in self.stores.items()]
        together = Together([*held_out, *corpora])
        kept_R = together.clusters(self.config, group).root_N
        of_others_R = together.corpus_R < len(held_out)
        # Of a cluster the first by rank is the root, and validation documents come before others,
        # those of the stores before those of the corpora.
        leaks_R = ~of_others_R & ~together.validation_R & of_others_R[kept_R]
        numbers = range(len(held_out), len(held_out) + len(corpora))
        return [
            Verdicts((NEAR_VALIDATION,), leaks_R[together.ranks_of(number)].astype(np.int8))
            for number in numbers
        ]

    def _read_back(self, corpus: str, store: TokenStore) -> Documents:
        """The validation documents of a store, with side files as extraction writes them."""
        path = os.path.join(self.folder, f"held-out-{corpus}")
        kinds = self.side_files(self.folder)
        hashes, sizes = [], []
        with new_files(path, [suffix for kind in kinds for suffix in kind.suffixes]) as own:
            writers = [kind.writer(own) for kind in kinds]
            for text in self._texts(store):
                content = text.encode("utf-8", "replace")
                hashes.append(text_hash(content))
                sizes.append(len(content))
                for writer in writers:
                    writer.add(text, corpus)
            for writer in writers:
                writer.finish()
        rows_N = np.zeros(len(sizes), index_dtype(("text",)))
        if sizes:
            rows_N["text"], rows_N["bytes"] = hashes, sizes
        return Documents(corpus, rows_N, np.ones(len(sizes), bool), ((path, len(sizes)),))

    def _texts(self, store: TokenStore) -> Iterator[str]:
        for number in range(store.num_documents(VALIDATION)):
            yield self.vocabulary.decode(store.read_document(number, VALIDATION)[:-1])
