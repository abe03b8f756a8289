"""Where things lie, and how the parts that need SeqIO are brought to the parts that do not.

workspace = Workspace(Paths(), modules=("tasks", "my_corpora"))
vocabulary = workspace.vocabulary(VocabularyConfig(...))
stores = workspace.stores(("demo.text", "demo.web_code"), vocabulary, PrepareConfig())
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from etils import epath

from code_ablate import distributed, storage
from code_ablate.checked import checked
from code_ablate.data.preparing import vocabulary_training
from code_ablate.data.preparing.beam import BeamConfig, BeamRunner
from code_ablate.data.preparing.local import LocalRunner
from code_ablate.data.preparing.prepare import PrepareConfig, make_stores
from code_ablate.data.preparing.prepared import find_stores
from code_ablate.data.preparing.runner import Runner
from code_ablate.data.preparing.scratch import jobs_folder
from code_ablate.data.registry import require_corpora, seqio_is_installed, tasks_are_expected
from code_ablate.data.store import Stores, TokenStore
from code_ablate.data.vocabulary import Vocabulary, VocabularyConfig


@checked
@dataclass(frozen=True)
class Paths:
    """Where data and results lie."""

    data: str = "data"
    """Vocabularies and token stores. A local or shared folder, gs:// or s3://."""
    runs: str = "runs"
    """A folder for each run, and one for each study. A local or shared folder, or gs://."""

    def __post_init__(self):
        storage.require(self.data, "Paths.data", storage.ARRAYS)
        storage.require(self.runs, "Paths.runs", storage.CHECKPOINTS)

    def require_reachable(self) -> None:
        """Raises Failed if one of the two is on an object store that cannot be reached, and
        UserError if something else is in its place."""
        storage.require_folder(self.data, "Paths.data")
        storage.require_folder(self.runs, "Paths.runs")
        storage.require_reachable(self.data, "Paths.data")
        storage.require_reachable(self.runs, "Paths.runs")

    def study(self, name: str) -> epath.Path:
        """The folder of a study's results."""
        return epath.Path(self.runs) / f"study-{name}"


@dataclass(frozen=True)
class Workspace:
    """Paths, and the modules that register what is used."""

    paths: Paths
    """Folders of data and runs."""
    modules: tuple[str, ...]
    """Imported by the worker processes too."""
    beam: BeamConfig = dataclasses.field(default_factory=BeamConfig)
    """Whether Apache Beam prepares corpora."""

    def has_vocabulary(self, config: VocabularyConfig) -> bool:
        """Whether `existing_vocabulary` will find it without training."""
        require_corpora(config.corpora, "VocabularyConfig.corpora")
        return vocabulary_training.has_vocabulary(config, self.paths.data)

    def existing_vocabulary(self, config: VocabularyConfig) -> Vocabulary:
        """Loads the vocabulary. Raises UserError if it is not there."""
        return self._found_by_first(config, vocabulary_training.find_vocabulary)

    def vocabulary(self, config: VocabularyConfig) -> Vocabulary:
        """Loads the vocabulary; trains it first if it is one that is trained."""
        return self._found_by_first(config, vocabulary_training.make_vocabulary)

    def _found_by_first(
        self, config: VocabularyConfig, find: Callable[[VocabularyConfig, str], Vocabulary]
    ) -> Vocabulary:
        """The one that the first process finds: keys may depend on files of its host."""
        require_corpora(config.corpora, "VocabularyConfig.corpora")
        fields = distributed.from_first(lambda: dataclasses.asdict(find(config, self.paths.data)))
        return Vocabulary(**fields)

    def stores(
        self, corpora: tuple[str, ...], vocabulary: Vocabulary, config: PrepareConfig
    ) -> Stores:
        """The token stores of these corpora; prepares what is missing.

        Of several processes the first one does, from the documents that its host has.
        """
        require_corpora(corpora)

        def paths() -> dict[str, str]:
            stores = Stores({})
            if tasks_are_expected() or not seqio_is_installed():
                stores = find_stores(corpora, vocabulary, self.paths.data, config)
            if seqio_is_installed() and not all(corpus in stores for corpus in corpora):
                stores = make_stores(
                    corpora,
                    vocabulary,
                    self.paths.data,
                    config,
                    modules=self.modules,
                    runner=self._runner(config),
                )
            return {corpus: store.path for corpus, store in stores.items()}

        found = distributed.from_first(paths)
        return Stores({corpus: TokenStore.open(path) for corpus, path in found.items()})

    def _runner(self, config: PrepareConfig) -> Runner:
        if self.beam.options:
            return BeamRunner(self.beam.options, jobs_folder(self.paths.data))
        return LocalRunner(config.workers)

    def prepared(
        self, corpora: tuple[str, ...], vocabulary: Vocabulary, config: PrepareConfig
    ) -> Stores:
        """Those of the stores that are there."""
        require_corpora(corpora)
        return find_stores(corpora, vocabulary, self.paths.data, config)
