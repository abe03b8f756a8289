"""Preprocessors of T5X that a corpus cannot have: they make training examples out of documents.

    require_documents(task)            # UserError for span_corruption, prefix_lm, split_tokens, ...

A corpus is a stream of whole documents, which training cuts into windows itself. An objective that
corrupts, joins or cuts them needs the length of an example, and a corpus has none.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from code_ablate.errors import UserError

_MODULE = "t5.data.preprocessors"
_OF_T5 = (
    "denoise",
    "fill_in_the_blank",
    "fill_in_the_blank_sized",
    "full_lm",
    "iid_denoising",
    "neighboring_pairs",
    "next_sentence_prediction",
    "prefix_lm",
    "random_split_text",
    "reduce_concat_tokens",
    "select_random_chunk",
    "span_corruption",
    "split_text_to_words",
    "split_tokens",
    "trim_tokens_at_front",
    "unsupervised",
)
"""Functions of T5's that cut, join or corrupt documents, whether they ask for a length or not."""


def require_documents(task: Any) -> None:
    """Raises UserError, with the name, for a preprocessor that makes examples of a fixed length."""
    for preprocessor in task.preprocessors:
        function = preprocessor
        while isinstance(function, functools.partial):
            function = function.func
        name = getattr(function, "__name__", type(function).__name__)
        of_t5 = getattr(function, "__module__", "") == _MODULE
        if (of_t5 and name in _OF_T5) or _needs_length(preprocessor):
            raise UserError(
                f"corpus {task.name!r} has the preprocessor {name!r}, which makes training "
                "examples of a fixed length out of documents. A corpus is a stream of whole "
                "documents, and training cuts it into windows: register it without, with "
                "seqio.preprocessors.tokenize and append_eos as its last preprocessors (as in "
                "code_ablate.data.sources.documents.TOKENIZE)."
            )


def _needs_length(preprocessor: Callable) -> bool:
    """Whether SeqIO must give it a `sequence_length`."""
    try:
        parameter = inspect.signature(preprocessor).parameters.get("sequence_length")
    except (TypeError, ValueError):
        return False
    return parameter is not None and parameter.default is not None
