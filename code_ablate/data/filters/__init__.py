"""Quality filters, as SeqIO preprocessors: `filters.CODE`, `filters.TEXT`, `filters.MARKUP`.

preprocessors=[*filters.CODE, *documents.TOKENIZE]          # in a SeqIO Task
"""

from code_ablate.data.filters.rules import *  # noqa: F403
