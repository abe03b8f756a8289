"""Everything this project registers with SeqIO: `import tasks` makes the names known.

    import tasks
    seqio.TaskRegistry.names()             # "demo.text", ..., "arc_easy", ...

Registering reads no data: a corpus or an evaluation set is looked for when it is asked for.
"""

from tasks import (
    basic_skills,
    big_bench,
    code,
    code_likelihood,
    controls,
    corpora,
    generation,
    knowledge,
    language,
    mathematics,
    mixtures,
    paper_corpora,
    reasoning,
    registry_corpora,
)
