"""Quality filters, as SeqIO preprocessors.

    preprocessors=[*filters.CODE, *documents.TOKENIZE]                    # in a SeqIO Task
    filters.first_drop(filters.CODE, filters.Document(text, language="python"))

`filters.CODE`, `filters.MARKUP` and `filters.TEXT` are the reference study's. A filter of your own
is a subclass of `filters.Filter`; see `code_ablate.data.filters.base`.
"""

from code_ablate.data.filters.base import Document, Drop, Filter, first_drop
from code_ablate.data.filters.rules import (
    CODE,
    MARKUP,
    TEXT,
    AlphabeticFraction,
    AlphanumericFraction,
    FloatNumbers,
    GeneratedBy,
    HexNumbers,
    HtmlVisibleText,
    Length,
    LongestLine,
    MeanLine,
    Undecodable,
    XmlPrologue,
    visible_text,
)

__all__ = [
    "CODE",
    "MARKUP",
    "TEXT",
    "AlphabeticFraction",
    "AlphanumericFraction",
    "Document",
    "Drop",
    "Filter",
    "FloatNumbers",
    "GeneratedBy",
    "HexNumbers",
    "HtmlVisibleText",
    "Length",
    "LongestLine",
    "MeanLine",
    "Undecodable",
    "XmlPrologue",
    "first_drop",
    "visible_text",
]
