"""Controls of the demonstration: its corpora with one side of them destroyed, and formal languages.

    with_corpus.corpus = 'demo.code_scrambled'          # in gin; see studies/controls.gin

| corpus | what it is |
|---|---|
| `demo.code_scrambled` | `demo.web_code` with its names replaced by made-up ones |
| `demo.code_comments` | its comments and docstrings only |
| `demo.code_bare` | it without comments and docstrings |
| `demo.code_structure` | its keywords, brackets and indentation |
| `demo.code_shuffled_tokens`, `demo.code_shuffled_lines` | its words, or lines, in another order |
| `demo.text_repeated` | `demo.text` with the redundancy of code |
| `demo.dyck`, `demo.shuffle_dyck` | brackets that match |

What `demo.code_structure` makes of a made-up document:

    {"text": "def twice(x):\\n    return 2 * x  # so\\n", "language": "python"}
        'def NAME(NAME):\\n    return NUMBER * NAME\\n'
"""

import seqio

from code_ablate.data import controls
from code_ablate.data.sources import documents
from code_ablate.data.sources.formal_languages import FormalLanguage
from tasks import corpora  # noqa: F401  (a control can only be derived from what is registered)

for _name, _of, _control in (
    ("demo.code_scrambled", "demo.web_code", controls.ScrambledNames()),
    ("demo.code_comments", "demo.web_code", controls.CommentsOnly()),
    ("demo.code_bare", "demo.web_code", controls.WithoutComments()),
    ("demo.code_structure", "demo.web_code", controls.StructureOnly()),
    ("demo.code_shuffled_tokens", "demo.web_code", controls.ShuffledTokens()),
    ("demo.code_shuffled_lines", "demo.web_code", controls.ShuffledLines()),
    ("demo.text_repeated", "demo.text", controls.RepeatedProse()),
):
    controls.derive(_name, _of, _control)

for _name, _shuffled in (("demo.dyck", False), ("demo.shuffle_dyck", True)):
    seqio.TaskRegistry.add(
        _name,
        source=FormalLanguage(4000, brackets=512, pairs=16, depth=16, shuffled=_shuffled),
        preprocessors=documents.TOKENIZE,
        output_features=documents.FEATURES,
    )
