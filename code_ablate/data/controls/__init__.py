"""Controls: corpora derived from another, which keep one side of it and destroy the rest.

    preprocessors=[*filters.CODE, controls.ScrambledNames(), *documents.TOKENIZE]  # of a SeqIO Task
    controls.derive("my.code_scrambled", "my.code", controls.ScrambledNames())     # the same, short

They let a study ask what in a source helps: its text, its structure, or its meaning.

| control | keeps | destroys |
|---|---|---|
| `ScrambledNames` | structure, keywords, comments | what names mean |
| `CommentsOnly` | the prose in code | the code |
| `WithoutComments` | the code | the prose in it |
| `StructureOnly` | keywords, brackets, indentation | names, strings, numbers, comments |
| `ShuffledTokens` | the words of each line | their order within the line |
| `ShuffledLines` | lines | their order |
| `RepeatedProse` | prose, with the redundancy of code | novelty |

`code_ablate.data.sources.formal_languages` has corpora with structure and no meaning at all. Tokens
are equal by construction: a mixture's rates are shares of tokens, whatever the corpus.
"""

from code_ablate.data.controls.base import Control, derive
from code_ablate.data.controls.code import (
    CommentsOnly,
    ScrambledNames,
    StructureOnly,
    WithoutComments,
)
from code_ablate.data.controls.order import ShuffledLines, ShuffledTokens
from code_ablate.data.controls.prose import RepeatedProse, compression_ratio

__all__ = [
    "CommentsOnly",
    "Control",
    "RepeatedProse",
    "ScrambledNames",
    "ShuffledLines",
    "ShuffledTokens",
    "StructureOnly",
    "WithoutComments",
    "compression_ratio",
    "derive",
]
