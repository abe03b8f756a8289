"""Quality filters, as SeqIO preprocessors.

    preprocessors=[*filters.CODE, *documents.TOKENIZE]                    # in a SeqIO Task
    filters.first_drop(filters.CODE, filters.Document(text, language="python"))

`GROUPS` has the rules of StarCoder and of the reference study, Gopher, C4, FineWeb and others;
docs/filters.md lists each with its threshold and where that comes from. A filter of your own is a
subclass of `filters.Filter`; see `code_ablate.data.filters.base`.
"""

from code_ablate.data.filters.base import (
    AtLeast,
    AtMost,
    Between,
    Document,
    Drop,
    Filter,
    Rewriter,
    Step,
    Verdict,
    Without,
    first_drop,
)
from code_ablate.data.filters.commits import COMMITS
from code_ablate.data.filters.issues import ISSUES
from code_ablate.data.filters.languages import NameLanguage
from code_ablate.data.filters.licences import PermissiveLicence
from code_ablate.data.filters.repetition import GOPHER_REPETITION
from code_ablate.data.filters.rules import (
    CODE,
    CODE_TEXT,
    MARKUP,
    TEXT,
    AlphabeticFraction,
    AlphanumericFraction,
    FloatNumbers,
    GeneratedBy,
    HexNumbers,
    HtmlVisibleCharacters,
    HtmlVisibleFraction,
    Length,
    LongestLine,
    MeanLine,
    Svg,
    Undecodable,
    XmlPrologue,
    visible_text,
)
from code_ablate.data.filters.secrets import RedactSecrets
from code_ablate.data.filters.text import C4, FINEWEB, GOPHER
from code_ablate.data.filters.top_level_domains import TopLevelDomains

GROUPS: dict[str, tuple[Step, ...]] = {
    "code": CODE,
    "markup": MARKUP,
    "text": TEXT,
    "code_text": CODE_TEXT,
    "gopher": GOPHER,
    "gopher_repetition": GOPHER_REPETITION,
    "c4": C4,
    "fineweb": FINEWEB,
    "issues": ISSUES,
    "commits": COMMITS,
    "secrets": (RedactSecrets(),),
    "languages": (NameLanguage(),),
    "licences": (PermissiveLicence(),),
}
"""Rules that belong together, by name."""

__all__ = [
    "C4",
    "CODE",
    "CODE_TEXT",
    "COMMITS",
    "FINEWEB",
    "GOPHER",
    "GOPHER_REPETITION",
    "GROUPS",
    "ISSUES",
    "MARKUP",
    "TEXT",
    "AlphabeticFraction",
    "AlphanumericFraction",
    "AtLeast",
    "AtMost",
    "Between",
    "Document",
    "Drop",
    "Filter",
    "FloatNumbers",
    "GeneratedBy",
    "HexNumbers",
    "HtmlVisibleCharacters",
    "HtmlVisibleFraction",
    "Length",
    "LongestLine",
    "MeanLine",
    "NameLanguage",
    "PermissiveLicence",
    "RedactSecrets",
    "Rewriter",
    "Step",
    "Svg",
    "TopLevelDomains",
    "Undecodable",
    "Verdict",
    "Without",
    "XmlPrologue",
    "first_drop",
    "visible_text",
]
