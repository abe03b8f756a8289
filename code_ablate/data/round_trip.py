"""Whether text comes back from a tokenizer as it went in: told by probes.

lost_text(vocabulary.encode, vocabulary.decode)     # {}: as far as they can tell
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from code_ablate.errors import UserError

PROBES = {
    "indentation": "def f(x):\n    return  1\n",
    "tabs": "\ta\tb",
    "line feeds": "a\n\n\nb\n",
    "carriage returns": "a\r\nb\r\n",
    "spaces at the start": "  a",
    "spaces at the end": "a  ",
    "double spaces": "a  b",
    "composed characters": "\u00e9",
    "decomposed characters": "e\u0301",
    "compatibility characters": "\uff21\u3000\ufb01\u2460\u00b2",
    "invisible characters": "a\u200bb\u00adc\ufeffd\u00a0e",
    "control characters": "a\x07b\x1b[0m\x7f",
    "emoji": "\U0001f642\U0001f469\u200d\U0001f4bb",
    "rare scripts": "\u6f22\u5b57 \u0939\u093f \u10e5 \U00010348",
    "text that spells special tokens": "</s> <s> <pad> <unk> <|endoftext|> [SEP]",
}
"""Texts that tokenizers are known to change, by what is in them."""


def lost_text(
    encode: Callable[[Sequence[str]], list[Any]], decode: Callable[[Any], str]
) -> dict[str, str]:
    """Names of the probes that do not come back, with what comes back instead."""
    found = dict(zip(PROBES, map(decode, encode(list(PROBES.values()))), strict=True))
    return {name: text for name, text in found.items() if text != PROBES[name]}


def loss_refused(path: str, lost: Mapping[str, str]) -> UserError:
    """The error for a vocabulary that loses text, with how to train one that does not."""
    name, text = next(iter(lost.items()))
    return UserError(
        f"{path} loses {', '.join(lost)}: {PROBES[name]!r} comes back as {text!r}, and bits per "
        "byte would count bytes that no model has seen. Train it to keep all text (SentencePiece: "
        "normalization_rule_name='identity', remove_extra_whitespaces=False, "
        "add_dummy_prefix=False, byte_fallback=True), let code-ablate train one, or set "
        "VocabularyConfig.allow_loss = True."
    )
