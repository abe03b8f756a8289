"""How a judge's reply is read: which answer it prefers, or that it does not say.

    read_verdict("Comparison: ...\nPreferred: B", "stop")       # "B"
    read_verdict("Comparison: ...\nPreferred: B", "length")     # None: it was cut off

A verdict is the last line of what the judge says once it has thought, and nothing else is. A line
before it that would be one, and prefers the other answer, makes the reply unclear: a correction, a
slip and a quotation without marks look the same. What is not clear is None; nothing is guessed.
"""

import re
import unicodedata

VERSION = 4
"""Version of the reading, which names the results: raised when a reply may be read otherwise."""

NORMAL_STOPS = ("stop", "end_turn", "eos", "eos_token")
"""Finish reasons of a reply that is whole, as different servers call it."""


def read_verdict(reply: str, finish_reason: str) -> str | None:
    """ "A" or "B", from a last line such as "Preferred: B" or "**Verdict:** (b), because ...".

    None if the reply was cut off or ended in any other way but a normal stop, and if two of its
    lines are verdicts that contradict each other.
    """
    if finish_reason.lower() not in NORMAL_STOPS:
        return None
    lines = _lines(without_thinking(reply))
    last = _letter(lines[-1]) if lines else None
    said = {letter for line in lines if (letter := _letter(line))}
    return last if len(said) == 1 else None


def _letter(line: str) -> str | None:
    """The answer that a line prefers; None if it is no verdict."""
    match = _VERDICT.fullmatch(line) or _DOUBLE_BRACKETS.fullmatch(line)
    if match is None or not _is_reason(match["rest"]):
        return None
    return match["letter"].upper()


_NAMES = r"(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratchpad)"
_TAG = re.compile(
    # <think>, </think>, <seed:think>, <|thinking|>, <thinking effort="high">, ◁think▷
    rf"[<◁]\|?\s?(?P<end>/)?\s?(?:[\w-]+:)?{_NAMES}(?:\s[^<>]*)?\|?[>▷]"
    r"|\[(?P<end_bracket>/)?THINK\]"
    rf"|<\|(?:begin|start|(?P<end_name>end))_?of_?{_NAMES}\|>"
    r"|<\|channel\|>\s*(?:analysis|commentary|(?P<end_channel>final))[^<]*<\|message\|>",
    re.IGNORECASE,
)
_END_OF_TEXT = re.compile(r"(?:<\|\w+\|>|</s>|<eos>|<end_of_turn>)\s*\Z")


def without_thinking(reply: str) -> str:
    """The reply without what stands between marks of thinking.

    Thinking that does not end goes on to the end of the reply; thinking that only ends has begun
    before it, as where a server puts the first mark into the prompt.
    """
    said, thinks, position = [], False, 0
    for tag in _TAG.finditer(reply):
        ends = any(tag.groupdict().values())
        if not thinks:
            said.append(reply[position : tag.start()])
        if ends and not thinks:
            said.clear()
        thinks, position = not ends, tag.end()
    if not thinks:
        said.append(reply[position:])
    return _END_OF_TEXT.sub("", "".join(said))


_FENCED = re.compile(r"```\w*\n(?P<inside>(?:(?!```).)*)\n```", re.DOTALL)


def _lines(text: str) -> list[str]:
    """The lines that are not empty, without markup, signs that are not seen, and wide forms.

    A block of code is one empty line: it is a quotation, unless it is the whole reply.
    """
    text = text.strip()
    if whole := _FENCED.fullmatch(text):
        text = whole["inside"]
    text = _FENCED.sub("```", text)
    lines = (_plain(line) if line.strip() != "```" else "" for line in text.splitlines())
    found = [line for line in lines if line.strip("-=")]
    return [*found, ""] if text.endswith("```") else found


def _plain(line: str) -> str:
    line = unicodedata.normalize("NFKC", line)
    seen = "".join(sign for sign in line if unicodedata.category(sign) != "Cf")
    return re.sub("[*_`]", "", seen).strip()


_QUOTES = "\"'“”„‟‘’‚‛«»‹›「」『』"
_OPEN, _CLOSE = r"(\[{<【〈《", r")\]}>】〉》"
# Bounded: two repetitions of the same side by side take quadratic time on a hostile reply.
_BEFORE = rf"[{_OPEN}{_QUOTES}\s]{{0,8}}"
_VERDICT = re.compile(
    rf"(?:[#•-]{{1,6}}\s*|\d{{1,3}}[.)]\s+)?[{_OPEN}]{{0,4}}\s?"
    r"(?:(?:my|the|final|overall)\s+){0,3}"
    r"(?:preferred|preference|verdict|winner|choice|decision|better|best|answer)"
    r"(?:\s+(?:answer|response|choice|one))?"
    rf"\s*(?::|=|\bis\b)\s*"
    rf"{_BEFORE}(?:(?:answer|response|option|assistant)\b:?)?{_BEFORE}"
    rf"(?P<letter>[AB])(?!\w)"
    rf"(?P<rest>.*)",
    re.IGNORECASE,
)
_DOUBLE_BRACKETS = re.compile(r"\[\[(?P<letter>[AB])\]\](?P<rest>\.?)", re.IGNORECASE)
"""The form of MT-bench (arXiv 2306.05685), which judges know by heart."""
_ENDS = re.compile(rf"[\s{_CLOSE}{_QUOTES}.!,;:]*")
_REASON = re.compile(
    rf"[{_CLOSE}{_QUOTES}]*"
    r"(?:\s*[.,;:!](?=\s)|\s*[—–]|\s+-+(?=\s)|\s*[(\[]"
    r"|\s+(?=(?:because|since|due to|over|rather than)\b)"
    r"|\s+(?=is (?:(?:clearly|slightly|much|far|somewhat) )?better\b))"
    r"\s*(?P<words>.*)",
    re.IGNORECASE,
)
_TAKEN_BACK = re.compile(
    r"\W*(?:(?:or|and|and/or|wait|actually|hmm+|sorry|correction|rather(?! than)|neither|tied?|draw"
    r"|equal(?:ly)?|no(?=\s*[,.:;!—–-])|both (?:are|answers are) (?:equal|the same))\b"
    rf"|[&/+=]|(?:answer\s+)?[AB][\s{_CLOSE}{_QUOTES}.!]*\Z)",
    re.IGNORECASE,
)


def _is_reason(rest: str) -> bool:
    """Whether what follows the letter leaves the verdict as it is: nothing, or a reason."""
    if _ENDS.fullmatch(rest):
        return True
    reason = _REASON.fullmatch(rest)
    return reason is not None and not _TAKEN_BACK.match(reason["words"])
