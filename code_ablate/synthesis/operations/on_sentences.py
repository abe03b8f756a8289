"""An operation on sentences, which comes last of the recursive ones."""

from __future__ import annotations

from code_ablate.synthesis.grammar import Text, operation


@operation(
    "{s} with its words in reverse order",
    does="reverse the order of the words of {s}",
    names="reversed_words",
    weight=0.7,
)
def reversed_words(s: Text) -> Text:
    return " ".join(s.split()[::-1])


@reversed_words.form
def _(s):
    words = s.split()
    if len(words) < 2:
        return s
    return words[-1] + " " + reversed_words(" ".join(words[:-1]))
