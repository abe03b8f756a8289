"""Numbers as models write them: the value of the last one in a text.

    number_at_the_end("so it is **1,234.50** dollars.")      # Fraction(2469, 2)
    number_at_the_end(r"\\boxed{9{,}500}")                     # 9500

Read as one number: commas, apostrophes, low lines, thin and hard spaces, plain spaces and LaTeX's
`{,}` or `\\,` between groups of digits; points between groups where a comma or further groups show
that they are none of decimals (1.234,56 and 1.000.000; 1.234 has three decimals); a hyphen or
U+2212 as the sign, before or after a currency; powers (1e3, 3 x 10^5, 2^{10}, 10\u00b3, 2**10);
fractions (1/2, \\frac{1}{2}, \\frac12, a sign of its own in LaTeX's) and mixed numbers (1 1/2,
1\u00bd); digits of any script. An exponent of a unit or variable (cm^2) is no number. A percentage
has the value of the number before the sign: 50% is 50, as the answers of GSM8K are written.
"""

import re
import unicodedata
from decimal import Decimal
from fractions import Fraction

_SPACES = " \u00a0\u2009\u202f"
_GROUPED = r"\d{1,3}(?:(?:,|\{,\})\d{2,3})*(?:,|\{,\})\d{3}(?!\d)"
_SPACED = rf"(?<!\d[{_SPACES}.])\d{{1,3}}(?:[{_SPACES}]\d{{3}})+(?![\d/])"
_MARKED = r"\d{1,3}(?:['’_]\d{3})+(?![\d'’_])"
_WHOLE = rf"(?<!\d)(?<!\d['’_])(?:{_GROUPED}|{_SPACED}|{_MARKED}|\d+)"
_POINTED = (
    r"(?<![\d.,])(?P<pointed>\d{1,3}(?:\.\d{3})+),(?P<decimals>\d+)(?![\d.,]\d|\d)"
    r"|(?<![\d.,])(?P<pointed_whole>\d{1,3}(?:\.\d{3}){2,})(?![.,]?\d)"
)
_MINUS = "-\u2212"
_POWER = (
    rf"(?:[eE](?P<power>[{_MINUS}+]?\d{{1,3}})(?!\w)"
    rf"|[{_SPACES}]*(?:[x×*·⋅]|\\times|\\cdot)[{_SPACES}]*10\^"
    rf"(?:\{{(?P<tens_braced>[{_MINUS}+]?\d{{1,3}})\}}|(?P<tens>[{_MINUS}+]?\d{{1,3}})(?!\w))"
    rf"|\^(?:\{{(?P<raised_braced>[{_MINUS}]?\d{{1,3}})\}}"
    rf"|(?P<raised>[{_MINUS}]?\d{{1,3}})(?!\w)))?"
)
# A minus sign behind a digit, a letter or a bracket is a difference, and not a sign. An exponent is
# no number of its own.
_SIGN = (
    rf"(?<!\^)(?<!\^\{{)(?<!\^[{_MINUS}])(?<!\^\{{[{_MINUS}])(?P<sign>(?<![\d)\]}}\w])[{_MINUS}])?"
)
_CURRENCY = rf"(?:(?:\\?\$|[€£¥₹])(?P<inner>[{_MINUS}](?=\d))?)?"

_NUMBER = re.compile(
    rf"{_SIGN}{_CURRENCY}"
    r"(?:"
    # A denominator of zero, a third part (a date) or a decimal make it no fraction.
    r"(?:(?<![\d/.,])(?:(?P<units>\d+) )?(?P<top>\d+)/(?P<bottom>0*[1-9]\d*)(?![\d/]|[.,]\d))"
    rf"|\\[dt]?frac\{{(?P<latex_sign>[{_MINUS}])?(?P<latex_top>\d+)\}}\{{(?P<latex_bottom>0*[1-9]\d*)\}}"
    r"|\\[dt]?frac ?(?P<short_top>\d) ?(?P<short_bottom>[1-9])"
    rf"|{_POINTED}"
    rf"|(?P<digits>{_WHOLE}(?:\.\d+)?|(?<![.\d])\.\d+){_POWER}"
    r")"
)

_LARGEST_BASE = 40
"""Digits of what is raised to a power: of more, the exponent is left aside."""


def number_at_the_end(text: str) -> Fraction | None:
    """The exact value of the last number of a text; None without any."""
    last = None
    for last in _NUMBER.finditer(_written_out(text)):  # noqa: B007  (the last one is used)
        pass
    return None if last is None else _value(last)


_SUPERSCRIPTS = {ord(sign): plain for sign, plain in zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True)}
_SUPERSCRIPT = re.compile("(?<=[0-9)])[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+")
_LATEX_SPACE = re.compile(r"(?<=\d)(?:\\[,;:! ]|~)(?=\d{3}(?!\d))")
_PYTHON_POWER = re.compile(rf"(?<=\d) ?\*\* ?(?=[{_MINUS}]?\d)")


def _written_out(text: str) -> str:
    """Powers and groups in one form, and fractions that are one sign (\u00bd) as three."""
    text = _PYTHON_POWER.sub("^", _LATEX_SPACE.sub("\u2009", text))
    text = _SUPERSCRIPT.sub(lambda power: f"^{{{power[0].translate(_SUPERSCRIPTS)}}}", text)
    return text if text.isascii() else _without_signs(text)


def _without_signs(text: str) -> str:
    """Fractions that are one sign as three, with a space behind the units."""
    written: list[str] = []
    for sign in text:
        parts = unicodedata.decomposition(sign).split()
        if parts[:1] == ["<fraction>"] and len(parts) > 3:
            top, _, bottom = "".join(chr(int(part, 16)) for part in parts[1:]).partition("\u2044")
            space = " " if written and written[-1][-1:].isdecimal() else ""
            written.append(f"{space}{top}/{bottom}")
        else:
            written.append(sign)
    return "".join(written)


def _value(match: re.Match) -> Fraction:
    part = match.groupdict()
    if part["top"]:
        value = _whole(part["units"] or "0") + _whole(part["top"]) / _whole(part["bottom"])
    elif part["latex_top"]:
        value = _whole(part["latex_top"]) / _whole(part["latex_bottom"])
    elif part["short_top"]:
        value = _whole(part["short_top"]) / _whole(part["short_bottom"])
    elif part["pointed"] or part["pointed_whole"]:
        whole = (part["pointed"] or part["pointed_whole"]).replace(".", "")
        value = _whole(f"{whole}.{part['decimals'] or 0}")
    else:
        value = _raised(re.sub(rf"[{{}},'’_{_SPACES}]", "", part["digits"]), part)
    negative = (part["sign"] or part["inner"] or "") != ""
    return -value if negative != (part["latex_sign"] is not None) else value


def _raised(digits: str, part: dict[str, str | None]) -> Fraction:
    tens = part["power"] or part["tens"] or part["tens_braced"] or "0"
    value = _whole(digits) * Fraction(10) ** int(tens.replace("\u2212", "-"))
    exponent = part["raised"] or part["raised_braced"]
    if not exponent or len(digits) > _LARGEST_BASE:
        return value
    power = int(exponent.replace("\u2212", "-"))
    return value**power if value or power > 0 else value  # of 0 there is no negative power


def _whole(digits: str) -> Fraction:
    """As a decimal, because Python refuses to read integers of more than 4,300 digits."""
    return Fraction(Decimal(digits))
