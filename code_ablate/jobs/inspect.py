"""Documents and windows of a corpus or mixture, as models are trained on them, as text.

for part in inspect_mixture("demo.web_code", study, workspace, documents=2, windows=2):
    print(part)
for card in inspect_cards("registry.code", study, workspace):
    print(card)
for part in inspect_dropped("demo.web_code", study, workspace, "longest_line"):
    print(part)
"""

from collections.abc import Iterator

import numpy as np

from code_ablate.data.mixing import Mixture, Stream, shuffle_keys
from code_ablate.data.preparing.filter_text import describe_filters
from code_ablate.data.preparing.store_text import describe_store, show_documents, show_windows
from code_ablate.data.registry import resolve_mixture
from code_ablate.errors import UserError
from code_ablate.jobs.workspace import Workspace
from code_ablate.study.graph import Study


def inspect_mixture(
    name: str, study: Study, workspace: Workspace, *, documents: int = 2, windows: int = 2
) -> Iterator[str]:
    """Each store with its first documents, then the first windows in the order of training.

    `name`: a registered corpus or mixture. The study gives the vocabulary, the preparation, the
    length of a window (of its first setting) and the seed. Raises UserError.
    """
    # A corpus of the study needs no look-up, for which SeqIO would have to be installed.
    mixture = Mixture.of({name: 1.0}) if name in study.corpora else resolve_mixture(name)
    seed = study.seeds[0]
    vocabulary = workspace.vocabulary(study.vocabulary)
    stores = workspace.stores(tuple(mixture.active), vocabulary, study.prepare)
    seq_len = study.settings[0].seq_len
    keys = shuffle_keys(mixture.active, stores.identities)
    stream = Stream(mixture, stores.windows(seq_len), keys, seed)
    for store in stores.values():
        yield f"{describe_store(store)}\n"
        yield f"{show_documents(store, vocabulary, documents)}\n"
    yield f"first windows of {mixture}, seed {seed}:"
    corpus_N, window_N = stream.at(np.arange(windows))
    for corpus, window in zip(corpus_N, window_N, strict=True):
        name = stream.corpora[corpus]
        yield f"\n{name}:\n{show_windows(stores[name], vocabulary, seq_len, [int(window)])}"


def inspect_dropped(
    name: str, study: Study, workspace: Workspace, filter_name: str = ""
) -> Iterator[str]:
    """What the filters of a corpus, or of each corpus of a mixture, dropped and just kept.

    `filter_name`: one filter, by its kind or its whole name; empty: all. Prepares what is missing.
    Raises UserError for an unknown corpus or filter.
    """
    corpora = (name,) if name in study.corpora else tuple(resolve_mixture(name).active)
    vocabulary = workspace.vocabulary(study.vocabulary)
    for store in workspace.stores(corpora, vocabulary, study.prepare).values():
        yield f"{describe_filters(store.manifest, filter_name)}\n"


def inspect_cards(name: str, study: Study, workspace: Workspace) -> Iterator[str]:
    """A card, in Markdown, of a corpus, or of each corpus of a mixture. Prepares what is missing.

    Raises UserError for an unknown corpus, and for one whose source cannot be asked.
    """
    from code_ablate.data.preparing.corpus_card import corpus_card
    from code_ablate.data.preparing.task_run import find_task
    from code_ablate.data.sources.base import DocumentSource

    corpora = tuple(resolve_mixture(name).active)
    sources = {corpus: find_task(corpus).source for corpus in corpora}
    for corpus, source in sources.items():
        if not isinstance(source, DocumentSource):
            raise UserError(
                f"corpus {corpus!r} comes from {type(source).__name__}: cards tell of sources of "
                "this project, which say what language and licence a document has."
            )
    vocabulary = workspace.vocabulary(study.vocabulary)
    for corpus, store in workspace.stores(corpora, vocabulary, study.prepare).items():
        yield f"{corpus_card(store, sources[corpus], vocabulary)}\n"
