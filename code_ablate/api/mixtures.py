"""A mixture as tables, window by window: what `code_ablate.open_mixture` gives.

    mixture = open_mixture({"demo.text": 0.8, "demo.web_code": 0.2}, data="data", seq_len=128)
    mixture = open_mixture("runs/RUN", data="data")    # the one of a run, where its parent stopped
    mixture.windows(8), mixture.realised_tokens(100_000)

The stream of windows is a function of the mixture, so that every figure here is what training
reads, at any position, and nothing is trained.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from etils import epath

from code_ablate import shipped
from code_ablate.api.corpora import OpenCorpus, open_corpus, require_length
from code_ablate.api.plots import Plot, bars_plot, lines_plot
from code_ablate.data.mixing import Mixture, Stream, shuffle_keys
from code_ablate.data.preparing.prepared import finished_stores
from code_ablate.data.registry import MixtureSpec, import_modules, resolve_mixture
from code_ablate.data.store import Stores, TokenStore
from code_ablate.errors import UserError
from code_ablate.training.reading import phase_stream, require_stores
from code_ablate.training.run_files import CONFIG
from code_ablate.training.rundir import RunDirectory, phase_of_run

_POINTS = 200


@dataclass(frozen=True, repr=False)
class OpenMixture:
    """A mixture of prepared corpora, in the order of training."""

    stream: Stream
    """Which window stands at which position."""
    corpora: Mapping[str, OpenCorpus]
    """Its corpora by name, those with a share of 0 left out."""
    seq_len: int
    """Tokens that a window predicts."""
    tokens: int | None = None
    """Tokens that a run reads of it; None for a mixture that is not a run's."""

    def __repr__(self) -> str:
        return str(self.stream.mixture)

    @property
    def shares(self) -> pd.DataFrame:
        """Per corpus: corpus, share, and what its store has: documents, tokens, windows."""
        rows = [
            (name, share, store.num_documents(), store.num_tokens(), self.stream.windows[name])
            for name, share in self.stream.mixture.active.items()
            for store in [self.corpora[name].store]
        ]
        return pd.DataFrame(rows, columns=["corpus", "share", "documents", "tokens", "windows"])

    @property
    def documents(self) -> pd.DataFrame:
        """A row per document of every corpus, without text: corpus, and as `OpenCorpus.documents`.

        They stand in the order of the corpora and of their stores, not in that of training.
        """
        parts = [corpus.documents.assign(corpus=name) for name, corpus in self.corpora.items()]
        frame = pd.concat(parts, ignore_index=True)
        return frame[["corpus", *frame.columns.drop("corpus")]]

    def windows(self, n: int = 4, *, first: int = 0) -> pd.DataFrame:
        """`n` windows from position `first` on, in the order of training.

        Columns: position, corpus, window (its number in the store), document_ends, text.
        """
        if n < 0 or first < 0:
            raise UserError(f"n is {n} and first {first}: both are 0 or more.")
        positions = np.arange(first, first + n)
        corpus_N, window_N = self.stream.at(positions)
        parts = [pd.DataFrame(columns=["window", "document_ends", "text"])]
        for number, name in enumerate(self.stream.corpora):
            rows = corpus_N == number
            if rows.any():
                part = self.corpora[name].windows_at(window_N[rows], self.seq_len)
                parts.append(part.set_index(positions[rows]).assign(corpus=name))
        frame = pd.concat(parts[1:] or parts).sort_index()
        frame = frame.rename_axis("position").reset_index()
        return frame.reindex(columns=["position", "corpus", "window", "document_ends", "text"])

    def realised_tokens(self, tokens: int | None = None) -> pd.DataFrame:
        """What the first `tokens` hold of each corpus; None: what the run reads.

        Columns: corpus, requested_share, share, tokens, unique_tokens and epochs, the last two with
        what the phases before this one have read. Whole windows are counted: `tokens` is rounded
        down to them. Raises UserError without `tokens` where the mixture is not a run's.
        """
        position = self._tokens(tokens) // self.seq_len
        rows = []
        for name, count in self.stream.counts(position).items():
            read = count + self.stream.already_read.get(name, 0)
            windows = self.stream.windows[name]
            rows.append(
                {
                    "corpus": name,
                    "requested_share": self.stream.mixture.active[name],
                    "share": count / position if position else np.nan,
                    "tokens": count * self.seq_len,
                    "unique_tokens": min(read, windows) * self.seq_len,
                    "epochs": read / windows,
                }
            )
        return pd.DataFrame(rows)

    def plot_realised_tokens(self, tokens: int | None = None) -> Plot:
        """Requested and realised share of each corpus."""
        values = {"requested_share": "requested", "share": "realised"}
        frame = self.realised_tokens(tokens)
        return bars_plot(frame, "corpus", values, "share of the tokens, %", factor=100)

    def plot_epochs(self, tokens: int | None = None) -> Plot:
        """How often each corpus has been read, along the tokens of the mixture."""
        whole = self._tokens(tokens)
        points = np.unique(np.linspace(self.seq_len, max(whole, self.seq_len), _POINTS, dtype=int))
        parts = [self.realised_tokens(int(point)).assign(read=point) for point in points]
        labels = ("tokens of the mixture", "epochs")
        return lines_plot(pd.concat(parts), "read", "epochs", "corpus", labels)

    def _tokens(self, tokens: int | None) -> int:
        number = self.tokens if tokens is None else tokens
        if number is None or number < 0:
            raise UserError(
                f"tokens is {number}: say how many tokens of the mixture are meant; only "
                "the mixture of a run has a number of its own."
            )
        return int(number)


def open_mixture(
    mixture: epath.PathLike | MixtureSpec,
    *,
    data: epath.PathLike = "data",
    seq_len: int | None = None,
    seed: int | None = None,
    vocabulary: str = "",
    eos_token: str = "",
    modules: Sequence[str] = (shipped.TASKS,),
) -> OpenMixture:
    """A mixture: {corpus: rate}, the name of a mixture or corpus, or the folder of a run.

    A run says its length of windows and its seed; for the others `seq_len` is needed, and the seed
    is 0 by default. `data`, `vocabulary`, `eos_token`: as for `open_corpus`. `modules`: those that
    register a mixture which is given by its name; SeqIO has to be installed for it. Raises
    UserError if a store is not there.
    """
    options = {"vocabulary": vocabulary, "eos_token": eos_token}
    if not isinstance(mixture, Mapping | Mixture) and (epath.Path(mixture) / CONFIG).exists():
        if seq_len is not None or seed is not None:
            raise UserError("a run says its seq_len and its seed: leave these arguments out.")
        return mixture_of_run(RunDirectory.open(mixture), data, **options)
    if isinstance(mixture, str) and "/" in mixture:
        raise UserError(f"{mixture} is not a run directory: it has no {CONFIG}.")
    if seq_len is None:
        raise UserError("give seq_len, the tokens that a window predicts: a mixture has none.")
    resolved = _resolved(mixture, data, modules)
    corpora = {name: open_corpus(name, data=data, **options) for name in resolved.active}
    stores = Stores({name: corpus.store for name, corpus in corpora.items()})
    require_one_vocabulary(stores)
    keys = shuffle_keys(resolved.active, stores.identities)
    stream = Stream(resolved, stores.windows(require_length(seq_len)), keys, seed or 0)
    for name, windows in stream.windows.items():
        if windows < 1:
            raise UserError(
                f"the store of {name!r} holds {stores.tokens[name]:,} tokens, less than one window "
                f"of seq_len + 1 = {seq_len + 1}: lower seq_len."
            )
    return OpenMixture(stream, corpora, seq_len)


def _resolved(
    mixture: epath.PathLike | MixtureSpec, data: epath.PathLike, modules: Sequence[str]
) -> Mixture:
    if isinstance(mixture, str):
        if any(manifest.corpus == mixture for _, manifest in finished_stores(data)):
            return Mixture.of({mixture: 1.0})
        import_modules(modules)
    return resolve_mixture(mixture)


def mixture_of_run(
    run: RunDirectory, data: epath.PathLike, *, vocabulary: str = "", eos_token: str = ""
) -> OpenMixture:
    """What a run reads: its own mixture, from where the phases before it stopped.

    Its stores are found in `data` by the identities that the run has of them. Raises UserError if
    one is not there.
    """
    phase = phase_of_run(str(run.path))
    wanted = _store_identities(run.config["description"])
    paths = {manifest.identity: path for path, manifest in finished_stores(data)}
    missing = [corpus for corpus, identity in wanted.items() if identity not in paths]
    if missing:
        raise UserError(
            f"the token stores that {run.path} read are not in {epath.Path(data) / 'stores'}: "
            f"{', '.join(missing)}. Name the data folder of its training."
        )
    stores = Stores({name: TokenStore.open(paths[wanted[name]]) for name in wanted})
    require_stores(phase, stores)
    corpora = {
        name: OpenCorpus(stores[name], str(data), vocabulary, eos_token)
        for name in phase.mixture.active
    }
    return OpenMixture(phase_stream(phase, stores), corpora, phase.seq_len, phase.realised_tokens)


def _store_identities(description: Mapping) -> dict[str, str]:
    """Identity of each store that a phase and those before it read, by corpus."""
    parent = description["parent"]
    found = _store_identities(parent) if parent else {}
    return found | {name: of["store"] for name, of in description["mixture"].items()}


def require_one_vocabulary(stores: Stores) -> None:
    """Raises UserError if token stores were made with different vocabularies."""
    digests = {name: s.manifest.vocabulary["digest"][:12] for name, s in stores.items()}
    if len(set(digests.values())) > 1:
        raise UserError(f"the token stores were made with different vocabularies: {digests}.")
