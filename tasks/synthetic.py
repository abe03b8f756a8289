"""Problems that `code-ablate synthesize` made, as a corpus: statement, solution and tests of each.

    code-ablate synthesize --problems 10000 --out data/problems
    code-ablate inspect synthetic.problems

The folder is data/problems below the folder the command runs in, or what the environment variable
CODE_ABLATE_PROBLEMS names. docs/synthetic.md says how problems are made.
"""

import seqio

from code_ablate.data.sources import documents
from code_ablate.data.sources.below import FilesBelow

seqio.TaskRegistry.add(
    "synthetic.problems",
    # Verified problems in Python; nothing is filtered that was checked when it was made.
    source=FilesBelow(
        "CODE_ABLATE_PROBLEMS",
        "data/problems",
        "*.jsonl.gz",
        language_field="language",
        path_field="name",
    ),
    preprocessors=[*documents.TOKENIZE],
    output_features=documents.FEATURES,
)
