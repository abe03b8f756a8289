"""Controls of each tier: its corpora with one side of them destroyed, and formal languages.

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

`registry.code_scrambled` and so on are of `registry.web_code` and `registry.text`;
`paper.code_scrambled` and so on are mixtures of such corpora, one for each language of
`paper.web_code` (`paper.code_scrambled.python`), and `paper.text_repeated` is of `paper.text`.

What `demo.code_structure` makes of a made-up document:

    {"text": "def twice(x):\\n    return 2 * x  # so\\n", "language": "python"}
        'def NAME(NAME):\\n    return NUMBER * NAME\\n'
"""

import seqio

from code_ablate.data import controls
from code_ablate.data.sources import documents
from code_ablate.data.sources.formal_languages import FormalLanguage

# A control can only be derived from what is registered.
from tasks import corpora, paper_corpora, registry_corpora  # noqa: F401

_OF_CODE = {
    "scrambled": controls.ScrambledNames(),
    "comments": controls.CommentsOnly(),
    "bare": controls.WithoutComments(),
    "structure": controls.StructureOnly(),
    "shuffled_tokens": controls.ShuffledTokens(),
    "shuffled_lines": controls.ShuffledLines(),
}

# The corpora of each tier that stand for code (one, or a mixture's parts) and for text, and the
# documents of a formal language: each has a few hundred tokens, and half of a budget is to be read
# at most four times.
_TIERS = {
    "demo": ("demo.web_code", "demo.text", 4000),
    "registry": ("registry.web_code", "registry.text", 400_000),
    "paper": ("paper.web_code", "paper.text", 100_000_000),
}


def _derive(tier: str, control: str, code: str) -> None:
    """A control of a corpus, or of each corpus of a mixture, with the mixture's rates."""
    name = f"{tier}.code_{control}"
    if code in seqio.TaskRegistry.names():
        controls.derive(name, code, _OF_CODE[control])
        return
    mixture = seqio.MixtureRegistry.get(code)
    parts = {task: f"{name}.{task.name.rpartition('.')[2]}" for task in mixture.tasks}
    for task, part in parts.items():
        controls.derive(part, task.name, _OF_CODE[control])
    rates = [(part, mixture.get_rate(task)) for task, part in parts.items()]
    seqio.MixtureRegistry.add(name, rates)


for _tier, (_code, _text, _documents) in _TIERS.items():
    for _control in _OF_CODE:
        _derive(_tier, _control, _code)
    controls.derive(f"{_tier}.text_repeated", _text, controls.RepeatedProse())
    for _name, _shuffled in (("dyck", False), ("shuffle_dyck", True)):
        seqio.TaskRegistry.add(
            f"{_tier}.{_name}",
            source=FormalLanguage(_documents, brackets=512, pairs=16, depth=16, shuffled=_shuffled),
            preprocessors=documents.TOKENIZE,
            output_features=documents.FEATURES,
        )
