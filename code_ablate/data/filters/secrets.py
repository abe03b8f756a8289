"""Secrets and personal addresses, redacted: keys, tokens, e-mail addresses, IP addresses.

    RedactSecrets().rewrite(Document("mail me at ann@acme.io"))   # "... at <EMAIL>", {"email": 1}
    redacted(text)                                                # all kinds, the text alone

What is replaced follows StarCoder (arXiv 2305.06161, section 4: names are found there by a model,
and are left alone here): e-mail and IP addresses, keys and passwords. Patterns are those of tokens
whose form their issuers fix, and of assignments to names that say "secret", so that hashes, digests
and identifiers stay. Addresses that belong to nobody stay: loopback, private, link-local, multicast
and documentation networks, and whatever looks like a version (1.2.3.4).
"""

import dataclasses
import ipaddress
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

from code_ablate.data.filters.base import Document, Rewriter
from code_ablate.errors import UserError

Finder = Callable[[str], Iterator[tuple[int, int]]]
"""Where the secrets of a kind stand in a text: (start, end) of each, in order."""


def _finder(
    pattern: str,
    hints: tuple[str, ...],
    is_real: Callable[[re.Match[str]], bool] = lambda match: True,
) -> Finder:
    """Matches of a pattern; of its group "secret" if there is one.

    `hints`: substrings of which one is in every text with such a secret, a search that is cheap.
    """
    compiled = re.compile(pattern)
    group = "secret" if "secret" in compiled.groupindex else 0

    def find(text: str) -> Iterator[tuple[int, int]]:
        if any(hint in text for hint in hints):
            for match in compiled.finditer(text):
                if is_real(match):
                    yield match.span(group)

    return find


def _entropy(text: str) -> float:
    """Bits per character of a text by the frequencies of its own characters."""
    total = len(text)
    return -sum(n / total * math.log2(n / total) for n in Counter(text).values())


_PLACEHOLDER = re.compile(
    r"(?i)example|sample|dummy|placeholder|change.?me|your[_-]?|my[_-]|test|fake|todo|redacted|"
    r"xxx|\*\*\*|\.\.\.|1234567|abcdef|password|secret|<|\$\{|\{\{|%\("
)
_MIN_ENTROPY = 3.0
_MIN_CLASSES = 2


def _looks_drawn(match: re.Match[str]) -> bool:
    """Whether a value looks drawn at random: no word that stands for one, many characters."""
    value = match["secret"]
    classes = sum(any(test(c) for c in value) for test in (str.islower, str.isupper, str.isdigit))
    return (
        classes >= _MIN_CLASSES
        and _entropy(value) >= _MIN_ENTROPY
        and not _PLACEHOLDER.search(value)
    )


def _is_drawn_token(match: re.Match[str]) -> bool:
    """Whether a token of fixed form is none of those that documentation shows."""
    return _entropy(match[0]) >= _MIN_ENTROPY and "EXAMPLE" not in match[0].upper()


_SECRET_NAME = re.compile(
    r"(?i)(?:api|access|auth|client|private|secret|encryption|aws_secret_access)[_-]?"
    r"(?:key|token|secret)(?:[_-]?(?:id|base))?[\"']?\]?\s{0,3}(?:=>?|:)\s{0,3}\Z"
)


def _is_assigned(match: re.Match[str]) -> bool:
    """Whether a quoted value is assigned to a name that says what it is."""
    before = match.string[max(0, match.start() - 60) : match.start()]
    return bool(_SECRET_NAME.search(before)) and _looks_drawn(match)


_LOCAL_PART = re.compile(r"(?<![A-Za-z0-9._%+\\-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,62}\Z")
_DOMAIN = re.compile(
    r"@((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24})(?![\w@(-])"
)
_NOBODYS_DOMAIN = re.compile(
    r"(?i)(?:^|\.)(?:example(?:\.(?:com|org|net|edu))?|test|invalid|localhost|local)$|"
    r"\.(?:png|jpe?g|gif|svg|webp|css|js|py|json|html?|git|so|h)$"
)
_PATH = re.compile(r":[\w/~]")
_NOBODY = frozenset(("git", "hg", "svn", "noreply", "no-reply", "donotreply", "user", "username"))


def _emails(text: str) -> Iterator[tuple[int, int]]:
    """Addresses that may be somebody's: no documentation, no remote of a repository."""
    for match in _DOMAIN.finditer(text):  # from the sign on: a search for it is fast
        local = _LOCAL_PART.search(text, max(0, match.start() - 64), match.start())
        if not local or local[0].lower() in _NOBODY or _NOBODYS_DOMAIN.search(match[1]):
            continue
        # ssh://ann@host, ann@host:path
        if not text.endswith("://", 0, local.start()) and not _PATH.match(text, match.end()):
            yield local.start(), match.end()


_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_LAST_OCTETS = re.compile(rf"\.{_OCTET}\.{_OCTET}\.{_OCTET}(?!\w|[.-]\d)")
_FIRST_OCTET = re.compile(rf"(?<![\w.:-]){_OCTET}\Z")
_IPV6 = re.compile(r"(?<![\w.:-])(?:[0-9A-Fa-f]{1,4}:){2,7}(?::?[0-9A-Fa-f]{1,4}){1,7}(?![\w:.])")
_IPV6_HINT = re.compile(r":[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{0,4}:")
_VERSION_BEFORE = re.compile(
    r"(?i)(?:\bv(?:er(?:sion)?)?\.?|version|release|revision|assembly\w*|==|~=|>=|<=|@|OID|"
    r"object_?identifier)[\s\"':=(,]*\Z"
)
_EVERYBODYS = frozenset(("8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9"))
"""Addresses that stand in programs because everybody uses them."""


def _ip_addresses(text: str) -> Iterator[tuple[int, int]]:
    """Addresses that may be those of a machine on the network."""
    places = []
    for match in _LAST_OCTETS.finditer(text):  # from the point on: a search for it is fast
        first = _FIRST_OCTET.search(text, max(0, match.start() - 4), match.start())
        if first and _is_host(text[first.start() : match.end()]):
            before = text[max(0, first.start() - 20) : first.start()]
            if not _VERSION_BEFORE.search(before):
                places.append((first.start(), match.end()))
    if _IPV6_HINT.search(text):
        matches = (match for match in _IPV6.finditer(text) if _is_host(match[0]))
        places += [match.span() for match in matches]
    return iter(sorted(places))


def _is_host(text: str) -> bool:
    """Whether an address is one of the network, and looks like no version."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if not address.is_global or address.is_multicast or text in _EVERYBODYS:
        return False
    if address.version == 6:
        return text.count(":") >= 3
    octets = [int(part) for part in text.split(".")]
    return max(octets) >= 32 and octets[0] != 0 and octets[1:] != [0, 0, 0]


KINDS: Mapping[str, Finder] = {
    "private_key": _finder(
        r"-----BEGIN (?P<what>[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----"
        r"(?P<secret>(?:(?!-----)[\s\S]){40,20000}?)-----END (?P=what)-----",
        ("PRIVATE KEY",),
    ),
    "aws_key": _finder(
        r"(?:AKIA|ASIA)(?<![A-Za-z0-9]....)[A-Z2-7]{16}(?![A-Za-z0-9])",
        ("AKIA", "ASIA"),
        _is_drawn_token,
    ),
    "github_token": _finder(
        r"(?:gh[pousr]_(?<![A-Za-z0-9_]....)[A-Za-z0-9]{36,255}|"
        r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})(?![A-Za-z0-9_])",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        _is_drawn_token,
    ),
    "slack_token": _finder(
        r"xox[abeprs]-(?<![A-Za-z0-9-].....)(?:\d{1,20}-){1,3}[A-Za-z0-9-]{10,80}|"
        r"hooks\.slack\.com/services/T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/[A-Za-z0-9]{24}",
        ("xox", "hooks.slack.com"),
        _is_drawn_token,
    ),
    "google_key": _finder(
        r"(?<![A-Za-z0-9_-])(?:AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{30,200}|"
        r"GOCSPX-[A-Za-z0-9_-]{28})(?![A-Za-z0-9_-])",
        ("AIza", "ya29.", "GOCSPX-"),
        _is_drawn_token,
    ),
    "service_token": _finder(
        r"(?<![A-Za-z0-9_-])(?:sk_live_[A-Za-z0-9]{24,99}|rk_live_[A-Za-z0-9]{24,99}|"
        r"glpat-[A-Za-z0-9_-]{20}|npm_[A-Za-z0-9]{36}|pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,200}|"
        r"hf_[A-Za-z]{34}|SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})(?![A-Za-z0-9_-])",
        ("k_live_", "glpat-", "npm_", "pypi-AgEI", "hf_", "SG."),
        _is_drawn_token,
    ),
    "jwt": _finder(
        r"eyJ(?<![A-Za-z0-9_-]...)[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}"
        r"\.[A-Za-z0-9_-]{20,1000}",
        ("eyJ",),
    ),
    "password_in_url": _finder(
        r"://[^\s/:@\"'<>]{1,64}:(?P<secret>[^\s/:@\"'<>{}$%]{6,100})@(?=[\w.-]+)",
        ("://",),
        _looks_drawn,
    ),
    "secret_assignment": _finder(
        r"[\"'](?P<secret>[A-Za-z0-9+/_=.-]{20,200})[\"']",
        ("key", "token", "secret", "Key", "Token", "Secret", "KEY", "TOKEN", "SECRET"),
        _is_assigned,
    ),
    "email": _emails,
    "ip_address": _ip_addresses,
}
"""All kinds, in the order in which they are looked for: a private key may hold what looks like
another secret."""

NAMES = tuple(KINDS)
"""Names of the kinds."""


@dataclasses.dataclass(frozen=True)
class RedactSecrets(Rewriter):
    """Replaces secrets and addresses by `<KIND>`, such as `<EMAIL>`.

    Source: the kinds are those of StarCoder's redaction (arXiv 2305.06161, section 4), without
    names of persons; the patterns are ours.
    """

    kinds: tuple[str, ...] = NAMES
    """Kinds that are replaced, out of `secrets.NAMES`."""

    needs: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self):
        super().__post_init__()
        for kind in self.kinds:
            if kind not in KINDS:
                raise UserError(f"no kind of secret named {kind!r}; known: {', '.join(NAMES)}.")

    @property
    def name(self) -> str:
        """The kind, and the kinds of secrets where they are not all."""
        return self.kind if self.kinds == NAMES else f"{self.kind}_{'_'.join(self.kinds)}"

    def rewrite(self, document: Document) -> tuple[Document, Mapping[str, int]]:
        """(document without secrets, how many of each kind were replaced)."""
        text, counts = document.text, {}
        for kind in self.kinds:
            text, count = _replace(text, kind)
            if count:
                counts[kind] = count
        return (dataclasses.replace(document, text=text) if counts else document), counts


def redacted(text: str) -> str:
    """The text without secrets and addresses of any kind."""
    return RedactSecrets().rewrite(Document(text))[0].text


def _replace(text: str, name: str) -> tuple[str, int]:
    """(text without secrets of a kind, how many there were)."""
    parts, start = [], 0
    for low, high in KINDS[name](text):
        parts += [text[start:low], f"<{name.upper()}>"]
        start = high
    return ("".join([*parts, text[start:]]), len(parts) // 2) if parts else (text, 0)
