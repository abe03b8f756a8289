"""Why stores and phases of a study are not found, as text. Prepares and trains nothing.

for line in explain_study(study, workspace):
    print(line)
"""

from collections.abc import Iterator

from code_ablate.jobs.workspace import Workspace
from code_ablate.study.explain import explain_phases, explain_stores
from code_ablate.study.graph import Study


def explain_study(study: Study, workspace: Workspace) -> Iterator[str]:
    """What is not found, field by field: stores first, and phases once all stores are there.

    Raises UserError if the vocabulary is not there.
    """
    vocabulary = workspace.existing_vocabulary(study.vocabulary)
    stores = workspace.prepared(study.corpora, vocabulary, study.prepare)
    missing = explain_stores(study, stores, vocabulary, workspace.paths.data)
    yield missing or "all token stores are prepared."
    if len(stores) == len(study.corpora):
        yield explain_phases(study, stores, workspace.paths.runs) or "all phases are complete."
