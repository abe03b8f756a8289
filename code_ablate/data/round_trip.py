"""Whether text comes back from a tokenizer as it went in: told by probes, and by documents.

lost_text(vocabulary.encode, vocabulary.decode)     # {}: as far as they can tell

measured = RoundTrip()
measured.add(b"1  +  1", "1 + 1")
measured.returned_share, measured.most_lost         # 5 / 7, {" ": 2}
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from code_ablate.errors import UserError

_MOST_LOST = 8

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


def require_unspellable(
    path: str, eos: str, eos_id: int, encode: Callable[[Sequence[str]], list[Any]]
) -> None:
    """Raises UserError if a text can hold EOS, written `eos`: it would be cut in two there."""
    texts = [f"{around}{eos}{around}" for around in ("", " ", "\n", "a", " a ")]
    for text, ids in zip(texts, encode(texts), strict=True):
        if eos_id in ids:
            raise UserError(
                f"{path}: EOS is {eos!r}, an ordinary entry of the vocabulary, so a document that "
                f"says {text!r} would end there. Make it a control symbol (SentencePiece) or one "
                "of the added tokens (tokenizer.json), or set VocabularyConfig.eos_token to one of "
                "those."
            )


@dataclasses.dataclass
class RoundTrip:
    """What came back of documents that were encoded and decoded."""

    documents: int = 0
    """Documents that were tried."""
    tried_bytes: int = 0
    """UTF-8 bytes of their text."""
    returned_bytes: int = 0
    """Bytes of the characters that came back: as many of each one as were there."""
    lost: Counter[str] = dataclasses.field(default_factory=Counter)
    """How often each character did not come back; a byte that is no UTF-8 counts as U+FFFD."""

    def add(self, text: bytes, returned: str) -> None:
        """Counts one document: its text in UTF-8, and what its tokens stand for."""
        self.documents += 1
        self.tried_bytes += len(text)
        self.returned_bytes += len(text)
        if returned.encode() == text:
            return
        lost = Counter(text.decode("utf-8", "surrogateescape")) - Counter(returned)
        for character, count in lost.items():
            size = character.encode("utf-8", "surrogateescape")
            self.returned_bytes -= count * len(size)
            self.lost[size.decode("utf-8", "replace")] += count

    @classmethod
    def together(cls, parts: "Iterable[RoundTrip]") -> "RoundTrip":
        """All parts counted together."""
        total = cls()
        for part in parts:
            total.documents += part.documents
            total.tried_bytes += part.tried_bytes
            total.returned_bytes += part.returned_bytes
            total.lost += part.lost
        return total

    @property
    def plain(self) -> dict[str, Any]:
        """The fields as JSON holds them; `RoundTrip.of_plain` is the inverse."""
        return {**vars(self), "lost": dict(self.lost)}

    @classmethod
    def of_plain(cls, fields: Mapping[str, Any]) -> "RoundTrip":
        """The inverse of `plain`."""
        return cls(**{**fields, "lost": Counter(fields["lost"])})

    @property
    def returned_share(self) -> float | None:
        """Share of the bytes that came back, 0 to 1; None: nothing was tried."""
        return self.returned_bytes / self.tried_bytes if self.tried_bytes else None

    @property
    def most_lost(self) -> dict[str, int]:
        """The characters of which most bytes did not come back, with how often that was."""
        by_bytes = sorted(
            self.lost.items(), key=lambda item: (-item[1] * len(item[0].encode()), item)
        )
        return dict(by_bytes[:_MOST_LOST])


def require_returned(corpus: str, measured: RoundTrip, least: float) -> None:
    """Raises UserError if less than the share `least` of the bytes of a corpus came back."""
    share = measured.returned_share
    if share is None or share >= least:
        return
    lost = ", ".join(f"{c!r} {n:,} times" for c, n in measured.most_lost.items())
    tried = f"{measured.returned_bytes:,} of {measured.tried_bytes:,} bytes"
    raise UserError(
        f"{share:.2%} of the text of corpus {corpus!r} comes back from its tokens ({tried}, in "
        f"{measured.documents:,} documents); PrepareConfig.min_returned is {least:g}. Lost above "
        f"all: {lost}. Take a vocabulary that keeps all text, or make preprocessors leave text and "
        f"tokens alike; to go on all the same, set PrepareConfig.min_returned = {_below(share):g}: "
        "what was extracted is kept."
    )


def _below(share: float) -> float:
    """A bound of two digits that this share passes."""
    return int(share * 100) / 100
