"""Numbers as models write them: the value of the last one in a text.

    number_at_the_end("so it is **1,234.50** dollars.")      # Fraction(2469, 2)
    number_at_the_end(r"\\boxed{9{,}500}")                     # 9500

Read as one number: commas, thin and hard spaces, plain spaces and LaTeX's `{,}` between groups of
digits; a hyphen or U+2212 as the sign, before or after a currency; powers of ten (1e3); fractions
(1/2, \\frac{1}{2}) and mixed numbers (1 1/2). A percentage has the value of the number before the
sign: 50% is 50, as the answers of GSM8K are written.
"""

import re
from decimal import Decimal
from fractions import Fraction

_SPACES = " \u00a0\u2009\u202f"
_GROUPED = r"\d{1,3}(?:(?:,|\{,\})\d{2,3})*(?:,|\{,\})\d{3}(?!\d)"
_SPACED = rf"(?<!\d[{_SPACES}.])\d{{1,3}}(?:[{_SPACES}]\d{{3}})+(?![\d/])"
_WHOLE = rf"(?<!\d)(?:{_GROUPED}|{_SPACED}|\d+)"
_POWER = r"(?:[eE](?P<power>[-+\u2212]?\d{1,3})(?!\w))?"
# A minus sign behind a digit, a letter or a bracket is a difference, and not a sign.
_SIGN = r"(?P<sign>(?<![\d)\]}\w])[-\u2212])?"
_CURRENCY = r"(?:(?:\\?\$|[€£¥₹])(?P<inner>[-\u2212](?=\d))?)?"

_NUMBER = re.compile(
    rf"{_SIGN}{_CURRENCY}"
    r"(?:"
    # A denominator of zero, a third part (a date) or a decimal make it no fraction.
    r"(?:(?<![\d/.,])(?:(?P<units>\d+) )?(?P<top>\d+)/(?P<bottom>0*[1-9]\d*)(?![\d/]|[.,]\d))"
    r"|\\[dt]?frac\{(?P<latex_top>\d+)\}\{(?P<latex_bottom>0*[1-9]\d*)\}"
    rf"|(?P<digits>{_WHOLE}(?:\.\d+)?|(?<![.\d])\.\d+){_POWER}"
    r")"
)


def number_at_the_end(text: str) -> Fraction | None:
    """The exact value of the last number of a text; None without any."""
    last = None
    for last in _NUMBER.finditer(text):  # noqa: B007  (the last one is used)
        pass
    return None if last is None else _value(last)


def _value(match: re.Match) -> Fraction:
    part = match.groupdict()
    if part["top"]:
        value = int(part["units"] or 0) + Fraction(int(part["top"]), int(part["bottom"]))
    elif part["latex_top"]:
        value = Fraction(int(part["latex_top"]), int(part["latex_bottom"]))
    else:
        digits = Decimal(re.sub(rf"[{{}},{_SPACES}]", "", part["digits"]))
        value = Fraction(digits) * Fraction(10) ** int(
            (part["power"] or "0").replace("\u2212", "-")
        )
    return -value if part["sign"] or part["inner"] else Fraction(value)
