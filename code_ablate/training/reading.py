"""How phases read token stores: which windows, how often, and what the stores must hold for it.

require_stores(phase, stores)
stream = phase_stream(phase, stores)          # goes on where the parent stopped reading
corpus_usage(phase, stores)["demo.text"].epochs
"""

from code_ablate.data.mixing import CorpusUse, Stream, shuffle_keys
from code_ablate.data.store import Stores
from code_ablate.errors import UserError
from code_ablate.training.phase import Phase


def windows_read(phase: Phase | None) -> dict[str, int]:
    """Windows of each corpus that `phase` and those before it read."""
    total: dict[str, int] = {}
    for part in phase.chain if phase else ():
        stream = Stream(part.mixture, {}, {}, part.seed)
        for corpus, n in stream.counts(part.steps * part.batch_windows).items():
            total[corpus] = total.get(corpus, 0) + n
    return total


def require_stores(phase: Phase, stores: Stores) -> None:
    """Raises UserError if `stores` cannot feed `phase`: missing, too short, wrong vocabulary."""
    vocabularies = {}
    for corpus in phase.mixture.active:
        if corpus not in stores:
            raise UserError(f"no token store of {corpus!r}: run code-ablate prepare.")
        manifest = stores[corpus].manifest
        vocabularies[corpus] = manifest.vocabulary["digest"]
        if manifest.vocabulary["size"] > phase.model.vocabulary_size:
            raise UserError(
                f"the store of {corpus!r} was made with a vocabulary of "
                f"{manifest.vocabulary['size']} entries; ModelConfig.vocabulary_size is "
                f"{phase.model.vocabulary_size}: raise it, or prepare with a smaller vocabulary."
            )
        if stores[corpus].num_windows(phase.seq_len) < 1:
            raise UserError(
                f"the store of {corpus!r} holds {stores[corpus].num_tokens():,} tokens, less than "
                f"one window of seq_len + 1 = {phase.seq_len + 1}: add data or lower seq_len."
            )
    if len(set(vocabularies.values())) > 1:
        raise UserError(f"the token stores were made with different vocabularies: {vocabularies}.")


def phase_stream(phase: Phase, stores: Stores) -> Stream:
    """The stream of windows of `phase`, going on where its parent stopped reading.

    Raises UserError if a corpus would be read more than `max_epochs` times.
    """
    windows, keys = (
        stores.windows(phase.seq_len),
        shuffle_keys(phase.corpora_read, stores.identities),
    )
    for corpus, n in windows_read(phase).items():
        epochs = n / windows[corpus]
        if corpus in phase.mixture.active and epochs > phase.max_epochs:
            available = int(phase.max_epochs * windows[corpus]) * phase.seq_len
            raise UserError(
                f"phase {phase.name!r} would read {corpus!r} {epochs:.2f} times "
                f"({n * phase.seq_len:,} tokens; {available:,} are allowed by max_epochs = "
                f"{phase.max_epochs:g}): lower the budget or its rate, add data, or raise it."
            )
    return Stream(
        mixture=phase.mixture,
        windows={corpus: windows[corpus] for corpus in phase.mixture.active},
        keys={corpus: keys[corpus] for corpus in phase.mixture.active},
        seed=phase.seed,
        already_read=windows_read(phase.parent),
    )


def corpus_usage(phase: Phase, stores: Stores) -> dict[str, CorpusUse]:
    """What is read from each corpus over all phases up to `phase`, by corpus."""
    windows = stores.windows(phase.seq_len)
    tokens = sum(part.realised_tokens for part in phase.chain)
    requested: dict[str, float] = {}
    for part in phase.chain:
        for corpus, share in part.mixture.rates:
            requested.setdefault(corpus, 0.0)
            requested[corpus] += share * part.realised_tokens / tokens
    read = windows_read(phase)
    usage = {}
    for corpus, share in requested.items():
        n = read.get(corpus, 0)  # 0 for a corpus with a share of 0, which may have no store at all
        usage[corpus] = CorpusUse(
            requested_share=share,
            tokens=n * phase.seq_len,
            unique_tokens=min(n, windows[corpus]) * phase.seq_len if n else 0,
            epochs=n / windows[corpus] if n else 0.0,
        )
    return usage
