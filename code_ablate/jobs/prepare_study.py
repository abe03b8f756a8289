"""Makes a study's vocabulary and token stores, or finds them.

for description in prepare_study(study, workspace, corpora=("demo.text",)):
    print(description)
"""

from collections.abc import Iterator, Sequence

from code_ablate.data.preparing.store_text import describe_store
from code_ablate.data.registry import require_corpora
from code_ablate.jobs.workspace import Workspace
from code_ablate.study.graph import Study


def prepare_study(
    study: Study, workspace: Workspace, corpora: Sequence[str] | None = None
) -> Iterator[str]:
    """A description of each token store. `corpora`: only these; None: all of the study.

    Raises UserError before any work for a name that is not registered.
    """
    names = tuple(corpora or study.corpora)
    require_corpora(names)
    vocabulary = workspace.vocabulary(study.vocabulary)
    for store in workspace.stores(names, vocabulary, study.prepare).values():
        yield describe_store(store)
