"""Products and powers of polynomials in words: equal scalars joined, inverses and all-ones vectors cancelled.

Main definitions: `multiply`, `power`, `dimension`.
"""

from __future__ import annotations

from fractions import Fraction

from verify.calculus.polynomials import (
    Key,
    Letter,
    Monomial,
    Polynomial,
    Word,
    atom_key,
    constant,
    scalar_atom,
    sum_of,
    term_of_polynomial,
    turned,
    word_key,
    word_of,
)
from verify.language.terms import Dim, Shape, Term, make

_EXPANSION_LIMIT = 3000


def multiply(left: Polynomial, right: Polynomial, shape: Shape) -> Polynomial:
    """The product (scalar times anything, or matrix times matrix), with the result's shape."""
    total: dict[Key, Fraction] = {}
    extra: list[Polynomial] = []
    for (m1, w1), v1 in left.terms.items():
        for (m2, w2), v2 in right.terms.items():
            monomial, composites = _merge(m1, m2)
            word, factor = reduce_word(w1 + w2) if w1 and w2 else (w1 or w2, constant(1))
            if shape == (1, 1) and word:
                word = min(word, turned(word), key=word_key)
            if composites or factor != constant(1):
                part = Polynomial(shape, {(monomial, word): v1 * v2})
                for composite in [*composites, factor]:
                    part = multiply(composite, part, shape)
                extra.append(part)
            else:
                key = (monomial, word)
                total[key] = total.get(key, Fraction(0)) + v1 * v2
    result = Polynomial(shape, {k: v for k, v in total.items() if v})
    return sum_of([result, *extra], shape) if extra else result


def _merge(left: Monomial, right: Monomial) -> tuple[Monomial, list[Polynomial]]:
    """The product of two monomials; powers of sums that became whole are returned expanded."""
    if not left or not right:
        return left or right, []
    exponents = dict(left)
    for atom, exponent in right:
        exponents[atom] = exponents.get(atom, Fraction(0)) + exponent
    composites: list[Polynomial] = []
    for atom, exponent in list(exponents.items()):
        if exponent == 0:
            del exponents[atom]
        elif atom.op in ("add", "mul", "num") and exponent.denominator == 1 and exponent > 0:
            composites.append(power(_opened(atom), exponent))
            del exponents[atom]
    return tuple(sorted(exponents.items(), key=lambda item: atom_key(item[0]))), composites


def reduce_word(word: Word) -> tuple[Word, Polynomial]:
    """Cancel `K⁻¹K` and `1ᵀ1 = n` inside a word; the second value is the scalar that came out."""
    letters: list[Letter] = []
    factor = constant(1)
    for letter in word:
        letters.append(letter)
        _cancel_inverse(letters)
        if len(letters) >= 2 and letters[-1][0].op == "ones" and letters[-2:] == [(letter[0], True), (letter[0], False)]:
            del letters[-2:]
            factor = multiply(factor, dimension(letter[0].shape[0]), ())  # type: ignore[misc]
    return tuple(letters), factor


def _cancel_inverse(letters: list[Letter]) -> None:
    """Remove a trailing `K⁻¹·K` or `K·K⁻¹`, where K is a product of letters."""
    atom, flipped = letters[-1]
    if atom.op == "inverse":
        inside = word_of(atom.args[0])
        if inside is not None:
            wanted = list(turned(inside) if flipped else inside)
            if letters[-1 - len(wanted) : -1] == wanted:
                del letters[-1 - len(wanted) :]
                return
    for start in range(len(letters) - 2, -1, -1):
        candidate, turned_flag = letters[start]
        if candidate.op == "inverse":
            inside = word_of(candidate.args[0])
            if inside is not None and letters[start + 1 :] == list(turned(inside) if turned_flag else inside):
                del letters[start:]
                return


def power(base: Polynomial, exponent: Fraction) -> Polynomial:
    """A scalar polynomial to a rational power; small whole powers are expanded."""
    whole = exponent.denominator == 1
    if whole and exponent >= 0 and len(base.terms) ** int(exponent) <= _EXPANSION_LIMIT and exponent <= 64:
        result = constant(1)
        for _ in range(int(exponent)):
            result = multiply(result, base, ())
        return result
    single = base.single()
    if single is not None:
        monomial, _, value = single
        if whole:
            raised = tuple((a, e * exponent) for a, e in monomial)
            return Polynomial((), {(raised, ()): value ** int(exponent)})
        if value == 1 and len(monomial) == 1 and monomial[0][1] == 1:
            return scalar_atom(monomial[0][0], exponent)
    if base.is_zero and exponent > 0:
        return constant(0)
    if single is not None and not single[0] and not whole:
        root = _exact_root(single[2], exponent)
        if root is not None:
            return constant(root)
    return scalar_atom(term_of_polynomial(base), exponent)


def _exact_root(value: Fraction, exponent: Fraction) -> Fraction | None:
    """`value ** exponent` where it is rational, for roots of index up to 12."""
    if exponent.denominator > 12 or value <= 0:
        return None
    top, bottom = (_whole_root(part, exponent.denominator) for part in (value.numerator, value.denominator))
    return None if top is None or bottom is None else Fraction(top, bottom) ** exponent.numerator


def _whole_root(value: int, index: int) -> int | None:
    """The root of a natural number where it is whole, by bisection."""
    low, high = 0, 1 << (value.bit_length() // index + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**index <= value else (low, middle)
    return low if low**index == value else None


def dimension(size: Dim) -> Polynomial:
    """A dimension as a scalar."""
    return constant(size) if isinstance(size, int) else scalar_atom(make("dim", payload=(size,)))


def _opened(atom: Term) -> Polynomial:
    """The polynomial inside an atom that stands for a sum; the canonical form itself needs products, hence the late import."""
    from verify.calculus.normal_form import polynomial_of

    return polynomial_of(atom)
