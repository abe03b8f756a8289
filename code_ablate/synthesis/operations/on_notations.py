"""Operations on notations: packed strings, formulas, numerals."""

from __future__ import annotations

import re

from code_ablate.synthesis.grammar import (
    Formula,
    Int,
    Ints,
    Mark,
    Natural,
    Packed,
    Tally,
    Word,
    operation,
)


@operation(
    "{p} unpacked: each letter is repeated as often as the number after it says",
    does="unpack {p}, repeating each letter as often as the number after it says",
    names="unpacked decoded",
    weight=1.6,
)
def unpacked(p: Packed) -> Word:
    return "".join(letter * int(n) for letter, n in re.findall(r"([a-z])([0-9]+)", p))


@unpacked.form
def _(p):
    result = ""
    i = 0
    while i < len(p):
        j = i + 1
        while j < len(p) and p[j].isdigit():
            j += 1
        result += p[i] * int(p[i + 1 : j])
        i = j
    return result


@unpacked.holds
def _(p, result):
    return len(result) == sum(int(n) for n in re.findall(r"[0-9]+", p))


@operation(
    "a dictionary from each letter in {p} to the number of times it stands in the unpacked"
    " string, where each letter is repeated as often as the number after it says",
    names="letter_totals",
    item="letter",
)
def packed_counts(p: Packed) -> Tally:
    totals: dict = {}
    for letter, n in re.findall(r"([a-z])([0-9]+)", p):
        totals[letter] = totals.get(letter, 0) + int(n)
    return totals


@packed_counts.form
def _(p):
    totals: dict = {}
    letter, digits = "", ""
    for mark in p + "#":
        if mark.isdigit():
            digits += mark
        else:
            if letter:
                totals[letter] = totals.get(letter, 0) + int(digits)
            letter, digits = mark, ""
    return totals


@operation(
    "the numbers that stand after the letters in {p}", names="lengths numbers", item="number"
)
def packed_numbers(p: Packed) -> Ints:
    return [int(n) for n in re.findall(r"[0-9]+", p)]


@packed_numbers.form
def _(p):
    spaced = "".join(mark if mark.isdigit() else " " for mark in p)
    return [int(n) for n in spaced.split()]


@operation(
    "the value of {e}, multiplication before addition and subtraction",
    names="value result",
    weight=1.6,
)
def formula_value(e: Formula) -> Int:
    total = 0
    for term in e.replace("-", "+-").split("+"):
        product = 1
        for factor in term.split("*"):
            product *= int(factor)
        total += product
    return total


@formula_value.form
def _(e):
    tokens = re.findall(r"\d+|[-+*]", e)
    terms = [int(tokens[0])]
    for sign, number in zip(tokens[1::2], tokens[2::2]):
        if sign == "*":
            terms[-1] *= int(number)
        else:
            terms.append(int(number) if sign == "+" else -int(number))
    return sum(terms)


@operation(
    "the value of {e} if it is worked out strictly from left to right, without precedence",
    names="value left_value",
)
def left_value(e: Formula) -> Int:
    value = 0
    sign = "+"
    for token in re.findall(r"\d+|[-+*]", e):
        if not token.isdigit():
            sign = token
        elif sign == "+":
            value += int(token)
        elif sign == "-":
            value -= int(token)
        else:
            value *= int(token)
    return value


@left_value.form
def _(e):
    parts = re.split(r"([-+*])", e)
    value = int(parts[0])
    for i in range(1, len(parts), 2):
        number = int(parts[i + 1])
        value = {"+": value + number, "-": value - number, "*": value * number}[parts[i]]
    return value


@operation(
    "the terms of {e}, with their signs, each worked out: {e} is a sum of products",
    does="cut {e} into its terms and work out each of them with its sign",
    names="terms",
    item="term",
    weight=1.2,
)
def formula_terms(e: Formula) -> Ints:
    terms = []
    for term in e.replace("-", "+-").split("+"):
        product = 1
        for factor in term.split("*"):
            product *= int(factor)
        terms.append(product)
    return terms


@formula_terms.form
def _(e):
    terms: list = []
    sign, join = 1, "+"
    for token in re.findall(r"\d+|[-+*]", e):
        if token.isdigit():
            if join == "*":
                terms[-1] *= int(token)
            else:
                terms.append(sign * int(token))
        else:
            join = token
            sign = -1 if token == "-" else 1
    return terms


@operation(
    "{e} in postfix notation: the tokens separated by spaces, each sign after its two operands,"
    " multiplication first and otherwise from left to right",
    names="postfix",
    weight=1.2,
)
def postfix(e: Formula) -> Mark:
    output: list = []
    waiting: list = []
    for token in re.findall(r"\d+|[-+*]", e):
        if token.isdigit():
            output.append(token)
        else:
            while waiting and (waiting[-1] == "*" or token != "*"):
                output.append(waiting.pop())
            waiting.append(token)
    return " ".join(output + waiting[::-1])


@postfix.form
def _(e):
    def product(text):
        factors = text.split("*")
        return " ".join([factors[0], *(f"{factor} *" for factor in factors[1:])])

    parts = re.split(r"([-+])", e)
    result = product(parts[0])
    for sign, term in zip(parts[1::2], parts[2::2]):
        result += f" {product(term)} {sign}"
    return result


@operation(
    "the digits of {n} in base {b}, the most significant first",
    names="digits",
    item="digit",
    b=[3, 4, 5, 6, 7, 8, 9],
    weight=1.2,
)
def base_digits(n: Natural, b: Int) -> Ints:
    digits: list = []
    while n:
        digits.insert(0, n % b)
        n //= b
    return digits or [0]


@base_digits.form
def _(n, b):
    power = 1
    while power * b <= n:
        power *= b
    digits = []
    while power:
        digits.append(n // power)
        n %= power
        power //= b
    return digits


@base_digits.holds
def _(n, b, result):
    return sum(digit * b**i for i, digit in enumerate(reversed(result))) == n


@operation("{n} as a Roman numeral", names="roman numeral", weight=1.2)
def roman(n: Natural) -> Mark:
    numerals = (
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    )
    result = ""
    for value, letters in numerals:
        while n >= value:
            result += letters
            n -= value
    return result


@roman.form
def _(n):
    ones = ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"]
    tens = ["", "X", "XX", "XXX", "XL", "L", "LX", "LXX", "LXXX", "XC"]
    return "C" * (n // 100) + tens[n // 10 % 10] + ones[n % 10]
