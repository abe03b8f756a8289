"""StarCoder's rules for conversations on issues (arXiv 2305.06161, section 3.3).

    preprocessors=[*issues.ISSUES, *documents.TOKENIZE]     # in a SeqIO Task

The source gives, beside the text of the whole conversation, `user_count` and `event_count` as the
published files (bigcode/the-stack-github-issues) have them, and `authors`, one in a line.
"""

# ruff: noqa: D102 - the base class says what `measure` is.

import dataclasses
import re
from collections.abc import Mapping
from typing import ClassVar

from code_ablate.data.filters.base import AtMost, Document, Rewriter, Without
from code_ablate.data.filters.rules import Length

_BOT = re.compile(
    r"(?i)\[bot\]|(?:^|[-_.])bot(?:$|[-_.\d])|[a-z]-?bot$|^(?:dependabot|renovate|codecov)"
)
_NO_BOT = re.compile(r"(?i)(?:abbot|talbot|cabot|robot)$")


def is_bot(user: str) -> bool:
    """Whether the name of a user is that of a program: "stale[bot]", "ci-bot", not "talbot"."""
    return bool(_BOT.search(user)) and not _NO_BOT.search(user)


@dataclasses.dataclass(frozen=True)
class BotAuthors(Without):
    """Drops conversations that a program began. Source: StarCoder, section 3.3; names, ours."""

    needs: ClassVar[tuple[str, ...]] = ("authors",)

    def measure(self, document: Document) -> int:
        """1 if the first author is a program, else 0."""
        return int(is_bot(str(document.more["authors"]).partition("\n")[0].strip()))


@dataclasses.dataclass(frozen=True)
class OneUserCharacters(AtMost):
    """Drops long conversations of one user with himself.

    The value is the length of the text where one user alone writes, else 0. Source: StarCoder,
    section 3.3 (7000, the 96th percentile).
    """

    maximum: int = 7000
    """Most characters of a conversation of one user."""

    needs: ClassVar[tuple[str, ...]] = ("user_count",)

    def measure(self, document: Document) -> int:
        return len(document.text) if document.number("user_count") < 2 else 0


@dataclasses.dataclass(frozen=True)
class OneUserEvents(AtMost):
    """Drops conversations of one user that have many events: mostly of programs.

    The value is the number of events where one user alone writes, else 0. Source: StarCoder,
    section 3.3 (10).
    """

    maximum: int = 10
    """Most events of a conversation of one user."""

    needs: ClassVar[tuple[str, ...]] = ("user_count", "event_count")

    def measure(self, document: Document) -> int:
        alone = document.number("user_count") < 2
        return int(document.number("event_count")) if alone else 0


_REPLY_LINES = re.compile(
    r"(?im)^[ \t>]*(?:"
    r"on .{6,80} wrote:|"
    r"(?:[^\n]{0,80}\b)?reply to this email directly[^\n]*|"
    r"you are receiving this because[^\n]*|"
    r"sent from my [^\n]{2,40}|"
    r"get outlook for [^\n]{2,40}|"
    r"(?:from|to|cc|subject|sent|date): [^\n]{0,200}@[^\n]{0,200}|"
    r"-{2,} ?original message ?-{2,}"
    r")[ \t]*(?:\n|\Z)"
)


@dataclasses.dataclass(frozen=True)
class EmailReplies(Rewriter):
    """Leaves out what mail programs put into replies: "On ... wrote:", "Sent from my ...".

    Source: StarCoder, section 3.3, which gives no patterns; they are ours.
    """

    def rewrite(self, document: Document) -> tuple[Document, Mapping[str, int]]:
        """(document without such lines, {"reply_line": how many there were})."""
        text, count = _REPLY_LINES.subn("", document.text)
        return (
            (document, {})
            if not count
            else (
                dataclasses.replace(document, text=text),
                {"reply_line": count},
            )
        )


ISSUES = (
    EmailReplies(),
    BotAuthors(),
    Length(200),
    OneUserCharacters(7000),
    OneUserEvents(10),
)
"""What conversations on issues are filtered by."""
