"""The reference study's corpora, in the files that their publishers give.

    CODE_ABLATE_PAPER=gs://my-bucket/paper         # a folder or bucket with the files
    Setting.base = {'paper.text': 1.0}             # in gin

docs/corpora.md tells how to get each, how large it is, and under what licence.

| corpus | files below the folder |
|---|---|
| `paper.text` | `SlimPajama-627B/train/*/*.jsonl.zst`, without GitHub and StackExchange |
| `paper.code.<language>` | `the-stack-dedup/data/<language>/*.parquet`, 25 languages |
| `paper.markup.<language>` | the same of ten languages of markup |
| `paper.stackexchange` | `SlimPajama-627B/train/*/*.jsonl.zst`, StackExchange alone |
| `paper.notebooks` | `starcoderdata/jupyter-structured-clean-dedup/*.parquet` |
| `paper.commits` | `starcoderdata/git-commits-cleaned/*.parquet` |
| `paper.issues` | `starcoderdata/github-issues-filtered-structured/*.parquet` |
| `paper.synthetic_code` | `synthetic/*.jsonl.gz`, as `code-ablate synthesize` writes them |
| `paper.instruct` | `databricks-dolly-15k/*.jsonl` |

| mixture | what it is |
|---|---|
| `paper.web_code`, `paper.all_markup` | all languages, by the paper's shares of documents |
| `paper.code` | 80 % web code, 20 % markup |
| `paper.code_and_adjacent` | 85 % web code, 5 % each of StackExchange, notebooks and commits |
| `paper.code_and_synthetic` | 90 % web code, 10 % synthetic code |
| `paper.cooldown_text` | 84.95 % text, 15 % StackExchange, 0.05 % instructions; our shares |
| `paper.cooldown_text_without_code` | 99.95 % text, 0.05 % instructions; our shares |

What the filters of `paper.text` say of a made-up document:

    {"text": "A question.", "subset": "RedPajamaStackExchange"}
        dropped: subset
"""

import seqio

from code_ablate.data import filters
from code_ablate.data.filters.published_sets import Conversation, JoinedInstruction, Subset
from code_ablate.data.sources import documents
from code_ablate.data.sources.below import FilesBelow

VARIABLE, FOLDER = "CODE_ABLATE_PAPER", "data/paper"

CODE = {
    "java": 15.54,
    "javascript": 15.29,
    "php": 12.46,
    "python": 9.60,
    "c-sharp": 8.30,
    "typescript": 7.92,
    "c": 6.63,
    "cpp": 4.91,
    "go": 3.49,
    "ruby": 2.69,
    "shell": 1.82,
    "kotlin": 1.76,
    "swift": 1.52,
    "vue": 1.48,
    "rust": 1.00,
    "scala": 0.94,
    "jsx": 0.83,
    "sql": 0.74,
    "dart": 0.72,
    "makefile": 0.53,
    "lua": 0.47,
    "haskell": 0.45,
    "smalltalk": 0.43,
    "tex": 0.37,
    "clojure": 0.10,
}
"""Share of each language among the paper's documents of code, % (arXiv 2408.10914, appendix)."""

MARKUP = {
    "markdown": 54.23,
    "yaml": 10.77,
    "json": 9.97,
    "html": 8.57,
    "css": 6.86,
    "scss": 5.84,
    "restructuredtext": 2.26,
    "toml": 1.25,
    "sass": 0.22,
    "rmarkdown": 0.02,
}
"""Share of each language among the paper's documents of markup, %."""


_SLIMPAJAMA = FilesBelow(
    VARIABLE,
    FOLDER,
    "SlimPajama-627B/train/*/*.jsonl.zst",
    language="english",
    metadata={"subset": "meta.redpajama_set_name"},
)
_TEXT = tuple(f"RedPajama{name}" for name in ("CommonCrawl", "C4", "ArXiv", "Book", "Wikipedia"))


def _add(name: str, source: FilesBelow, rules) -> None:
    seqio.TaskRegistry.add(
        name,
        source=source,
        preprocessors=[*rules, *documents.TOKENIZE],
        output_features=documents.FEATURES,
    )


_add("paper.text", _SLIMPAJAMA, [Subset(_TEXT)])
_add("paper.stackexchange", _SLIMPAJAMA, [Subset(("RedPajamaStackExchange",))])

for _language in (*CODE, *MARKUP):
    _kind, _rules = ("code", filters.CODE) if _language in CODE else ("markup", filters.MARKUP)
    _add(
        f"paper.{_kind}.{_language.replace('-', '_')}",
        FilesBelow(
            VARIABLE,
            FOLDER,
            f"the-stack-dedup/data/{_language}/*.parquet",
            text="content",
            path_field="max_stars_repo_path",
            language=_language,
            metadata={"licence": "max_stars_repo_licenses"},
        ),
        _rules,
    )

# As their publisher has filtered them. What the rules for issues look at stands in the text.
for _name, _folder, _metadata in (
    ("notebooks", "jupyter-structured-clean-dedup", ()),
    ("commits", "git-commits-cleaned", ()),
    ("issues", "github-issues-filtered-structured", (Conversation(),)),
):
    _add(
        f"paper.{_name}",
        FilesBelow(VARIABLE, FOLDER, f"starcoderdata/{_folder}/*.parquet", text="content"),
        [*_metadata, filters.Undecodable()],
    )

_add(
    "paper.synthetic_code",
    FilesBelow(
        VARIABLE,
        FOLDER,
        "synthetic/*.jsonl.gz",
        language_field="language",
        path_field="name",
    ),
    [filters.Undecodable()],
)
_add(
    "paper.instruct",
    FilesBelow(
        VARIABLE,
        FOLDER,
        "databricks-dolly-15k/*.jsonl",
        text="response",
        language="english",
        metadata={"instruction": "instruction", "context": "context"},
    ),
    [JoinedInstruction()],
)

# The rates are shares of tokens; the paper gives shares of documents, which stand in their place.
_MIXTURES: dict[str, dict[str, float]] = {
    "paper.web_code": {f"paper.code.{n.replace('-', '_')}": rate for n, rate in CODE.items()},
    "paper.all_markup": {f"paper.markup.{name}": share for name, share in MARKUP.items()},
    # The code of most recipes.
    "paper.code": {"paper.web_code": 80, "paper.all_markup": 20},
    # The arms of the study of quality, beside paper.web_code and paper.code.
    "paper.code_and_adjacent": {
        "paper.web_code": 85,
        "paper.stackexchange": 5,
        "paper.notebooks": 5,
        "paper.commits": 5,
    },
    "paper.code_and_synthetic": {"paper.web_code": 90, "paper.synthetic_code": 10},
    # The cooldown's text is not stated: it stands for "high-quality text, math, code, instruct".
    # Dolly has some 3M tokens: 0.05 % of the cooldown's 32B are five passes over it.
    "paper.cooldown_text": {
        "paper.text": 84.95,
        "paper.stackexchange": 15,
        "paper.instruct": 0.05,
    },
    # Threads of StackExchange have code in them.
    "paper.cooldown_text_without_code": {"paper.text": 99.95, "paper.instruct": 0.05},
}

for _name, _rates in _MIXTURES.items():
    seqio.MixtureRegistry.add(_name, list(_rates.items()))
