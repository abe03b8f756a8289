"""Which of equal documents stay."""

import numpy as np
import pytest

from code_ablate.data.preparing.exact_duplicates import (
    DUPLICATE,
    IN_VALIDATION,
    ExactDuplicates,
)
from code_ablate.data.preparing.extracted import Documents
from code_ablate.data.preparing.signatures import ALWAYS, index_dtype
from code_ablate.errors import UserError


def documents(texts: str, validation: str, corpus: str = "c") -> Documents:
    """One document a letter; equal letters are equal texts; "v" marks validation documents."""
    rows = np.zeros(len(texts), index_dtype(ALWAYS))
    rows["text"][:, 1] = rows["token_hash"] = [ord(letter) for letter in texts]
    return Documents(corpus, rows, np.array([mark == "v" for mark in validation]))


def reasons(texts: str, validation: str, deduplicate: bool = True) -> list[str | None]:
    (verdicts,) = ExactDuplicates(deduplicate).judge([documents(texts, validation)])
    return [verdicts[i] for i in range(len(texts))]


def test_one_of_equal_documents_stays_a_validation_document_first():
    assert reasons("abab", "....") == [None, None, DUPLICATE, DUPLICATE]
    assert reasons("aab", ".v.") == [IN_VALIDATION, None, None]
    assert reasons("aaa", ".vv") == [IN_VALIDATION, None, DUPLICATE]


def test_without_deduplication_only_leaks_go():
    assert reasons("abab", "....", deduplicate=False) == [None] * 4
    assert reasons("aaa", ".vv", deduplicate=False) == [IN_VALIDATION, None, None]


def test_each_corpus_is_judged_by_itself():
    first, second = documents("ab", "..", "first"), documents("ac", "..", "second")
    verdicts = ExactDuplicates().judge([first, second])
    assert [v.kept_N.tolist() for v in verdicts] == [[True, True], [True, True]]


def test_equal_texts_with_different_tokens_are_refused():
    broken = documents("aa", "..", "poems")
    broken.rows_N["token_hash"][1] = 7
    with pytest.raises(UserError, match="'poems' yields documents with the same text"):
        ExactDuplicates().judge([broken])
