"""Operations on one whole number: divisors, digits, sequences with a rule."""

from __future__ import annotations

from math import isqrt

from code_ablate.synthesis.grammar import Bool, Int, Ints, Natural, operation


@operation(
    "the divisors of {n} in increasing order", names="divisors factors", item="divisor", weight=1.5
)
def divisors(n: Natural) -> Ints:
    return [d for d in range(1, n + 1) if n % d == 0]


@divisors.form
def _(n):
    small = [d for d in range(1, isqrt(n) + 1) if n % d == 0]
    return sorted({*small, *(n // d for d in small)})


@operation(
    "the prime factors of {n} in increasing order, each as often as it divides {n}",
    names="prime_factors factors",
    item="prime factor",
    weight=1.5,
)
def prime_factors(n: Natural) -> Ints:
    factors = []
    d = 2
    while n > 1:
        while n % d == 0:
            factors.append(d)
            n //= d
        d += 1
    return factors


@prime_factors.form
def _(n):
    for d in range(2, isqrt(n) + 1):
        if n % d == 0:
            return [d, *prime_factors(n // d)]
    return [n] if n > 1 else []


@prime_factors.holds
def _(n, result):
    product = 1
    for factor in result:
        product *= factor
    return product == n


@operation("the primes up to {n}", names="primes", item="prime", weight=1.2)
def primes_up_to(n: Natural) -> Ints:
    sieve = [True] * (n + 1)
    for d in range(2, isqrt(n) + 1):
        for multiple in range(d * d, n + 1, d):
            sieve[multiple] = False
    return [d for d in range(2, n + 1) if sieve[d]]


@primes_up_to.form
def _(n):
    primes: list = []
    for d in range(2, n + 1):
        if all(d % p for p in primes):
            primes.append(d)
    return primes


@operation("the digits of {n}, from left to right", names="digits", item="digit", weight=1.2)
def digits_of(n: Natural) -> Ints:
    return [int(digit) for digit in str(n)]


@digits_of.form
def _(n):
    digits = [n % 10]
    while n > 9:
        n //= 10
        digits.insert(0, n % 10)
    return digits


@operation(
    "the sequence that begins with {n}, halves an even number, replaces an odd number x by"
    " {a}x + 1, and ends with the first number that it has had before or after {k} numbers",
    names="sequence orbit",
    item="number",
    a=[3, 5, 7],
    k=(8, 14),
    weight=1.2,
)
def orbit(n: Natural, a: Int, k: Int) -> Ints:
    sequence: list = []
    while n not in sequence and len(sequence) < k:
        sequence.append(n)
        n = a * n + 1 if n % 2 else n // 2
    return sequence


@orbit.form
def _(n, a, k):
    seen: dict = {}
    while n not in seen and len(seen) < k:
        seen[n] = len(seen)
        if n % 2 == 0:
            n //= 2
        else:
            n = a * n + 1
    return list(seen)


@operation(
    "the first {k} numbers of the sequence that begins with {a} and {b} and in which each further"
    " number is the sum of the two before it modulo {n}",
    names="sequence terms",
    item="term",
    a=(0, 5),
    b=(1, 9),
    k=(6, 12),
    weight=1.2,
)
def sum_sequence(n: Natural, a: Int, b: Int, k: Int) -> Ints:
    terms = [a, b]
    while len(terms) < k:
        terms.append((terms[-1] + terms[-2]) % n)
    return terms[:k]


@sum_sequence.form
def _(n, a, b, k):
    terms = []
    for i in range(k):
        terms.append(a)
        a, b = b, (a + b) % n
    return terms


@operation(
    "the first {k} numbers of the sequence that begins with {n} and goes from x to the remainder"
    " of {a}x + {c} divided by {m}",
    names="sequence states",
    item="state",
    k=(6, 12),
    a=(2, 9),
    c=(1, 30),
    m=[53, 97, 101, 128, 211, 256],
    weight=1.2,
)
def mixed_sequence(n: Natural, k: Int, a: Int, c: Int, m: Int) -> Ints:
    states = [n]
    for _ in range(k - 1):
        states.append((a * states[-1] + c) % m)
    return states


@mixed_sequence.form
def _(n, k, a, c, m):
    states: list = []
    while len(states) < k:
        states.append(n)
        n = (n * a + c) % m
    return states


@operation(
    "the numbers from 1 to {n} that are divisible by {a} or by {b} but not by both",
    names="multiples",
    item="number",
    a=(2, 5),
    b=(6, 9),
)
def either_multiples(n: Natural, a: Int, b: Int) -> Ints:
    return [x for x in range(1, n + 1) if (x % a == 0) != (x % b == 0)]


@either_multiples.form
def _(n, a, b):
    found = []
    for x in range(1, n + 1):
        if x % a == 0 and x % b:
            found.append(x)
        elif x % b == 0 and x % a:
            found.append(x)
    return found


@operation(
    "the number of times that {n} must be replaced by the product of its digits until it has a"
    " single digit",
    names="persistence rounds",
    weight=0.8,
)
def persistence(n: Natural) -> Int:
    rounds = 0
    while n > 9:
        product = 1
        for digit in str(n):
            product *= int(digit)
        n = product
        rounds += 1
    return rounds


@persistence.form
def _(n):
    if n < 10:
        return 0
    product = 1
    while n:
        product *= n % 10
        n //= 10
    return 1 + persistence(product)


@operation(
    "the single digit that is left when the digits of {n} are added up again and again",
    names="digital_root root",
    weight=0.8,
)
def digital_root(n: Natural) -> Int:
    while n > 9:
        n = sum(int(digit) for digit in str(n))
    return n


@digital_root.form
def _(n):
    return 1 + (n - 1) % 9 if n else 0


@operation(
    "{n} equals the sum of its divisors other than itself, or falls short of it",
    names="abundant",
    weight=0.4,
)
def not_deficient(n: Natural) -> Bool:
    return sum(d for d in range(1, n) if n % d == 0) >= n


@not_deficient.form
def _(n):
    total = 0
    for d in range(1, n // 2 + 1):
        if n % d == 0:
            total += d
    return not total < n


@operation(
    "the number of ways to write {n} as a sum of consecutive positive numbers, {n} alone counted"
    " as one",
    names="ways sums",
    weight=0.8,
)
def consecutive_sums(n: Natural) -> Int:
    return sum(1 for d in range(1, n + 1, 2) if n % d == 0)


@consecutive_sums.form
def _(n):
    ways = 0
    for start in range(1, n + 1):
        total, x = 0, start
        while total < n:
            total += x
            x += 1
        ways += total == n
    return ways


@operation(
    "the number that is left when {n} people stand in a circle, are numbered from 1, and every"
    " {k:th} one leaves until one is left",
    names="survivor last_one",
    k=(2, 7),
    weight=0.8,
)
def survivor(n: Natural, k: Int) -> Int:
    place = 0
    for people in range(2, n + 1):
        place = (place + k) % people
    return place + 1


@survivor.form
def _(n, k):
    circle = list(range(1, n + 1))
    i = 0
    while len(circle) > 1:
        i = (i + k - 1) % len(circle)
        circle.pop(i)
    return circle[0]


@operation(
    "the numbers below {n} that read the same in both directions in base {b}",
    names="mirror_numbers",
    item="number",
    b=[2, 3, 4, 5],
    weight=0.8,
)
def mirror_numbers(n: Natural, b: Int) -> Ints:
    found = []
    for x in range(1, n):
        digits = []
        rest = x
        while rest:
            digits.append(rest % b)
            rest //= b
        if digits == digits[::-1]:
            found.append(x)
    return found


@mirror_numbers.form
def _(n, b):
    def turned(x):
        result = 0
        while x:
            result = result * b + x % b
            x //= b
        return result

    return [x for x in range(1, n) if turned(x) == x]
