"""The identity prover: is a goal in the two-sided ideal of some hypotheses, closed under transpose?

Main definitions: `prove_zero`, `Proof`, `Cofactor`, `residual`.

Method: linear algebra over Q with guided columns. From each (monomial, word) of the goal, every way a term of a
hypothesis sits inside the word, or inside a trace (all cyclic shifts, transposes and slot exchanges), gives a column
`c·l·h·r`; its new words are searched in turn. A goal that is not reached may be reached after multiplication by scalars
that are known to be non-zero. What is found is a certificate that `residual` (and the kernel) expands again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import TypeVar

from verify.calculus.differentiate import expand
from verify.calculus.normal_form import polynomial_of, trace_of
from verify.calculus.polynomials import (
    Key,
    Monomial,
    Polynomial,
    Word,
    from_word,
    monomial_key,
    sum_of,
    term_of_polynomial,
    term_of_word,
    turned,
    word_key,
    word_of,
)
from verify.calculus.products import multiply
from verify.calculus.traces import equal_traces, letter_shape, word_shape
from verify.language.errors import ShapeError
from verify.language.terms import Dim, Shape, Term, make, number, show_shape, symbol

_ROUNDS = 6
_COLUMNS = 300
_SLACK = 2
_DIVISORS = 2


@dataclass(frozen=True)
class Hypothesis:
    """A polynomial that is zero, and what to call it."""

    polynomial: Polynomial
    label: str


@dataclass(frozen=True)
class Cofactor:
    """One summand `coefficient · left · h · right` of a certificate; the trace of `left · h · right` if `trace`.

    Attributes:
        coefficient: a scalar term.
        left: a matrix term, or None for nothing.
        hypothesis: the index of h in the list of hypotheses.
        transpose: whether hᵀ stands in the place of h.
        right: a matrix term, or None for nothing.
        trace: whether the trace is taken.
    """

    coefficient: Term
    left: Term | None
    hypothesis: int
    transpose: bool
    right: Term | None
    trace: bool


@dataclass(frozen=True)
class Proof:
    """A certificate: `(product of divide) · goal = Σ cofactors`; without cofactors the goal is 0 identically."""

    cofactors: tuple[Cofactor, ...]
    divide: tuple[str, ...]


@dataclass(frozen=True)
class _Place:
    """Where a column comes from: everything of a cofactor but its rational factor."""

    monomial: Monomial
    left: Word
    hypothesis: int
    transpose: bool
    right: Word
    trace: bool


def prove_zero(goal: Term, hypotheses: Sequence[Term], nonzero: Sequence[str] = ()) -> Proof | None:
    """A certificate that `goal = 0` follows from `h = 0` for all hypotheses, for all sizes.

    Args:
        goal: a scalar or matrix term.
        hypotheses: terms that are zero; a scalar hypothesis may be multiplied by any word.
        nonzero: names of scalar symbols that are not zero, by which the equation may be divided (two at most).

    Returns:
        The certificate, or None where the bounded search finds none: the goal may still follow.

    >>> from verify.language.terms import symbol
    >>> A, B = symbol("A", ("m", "r")), symbol("B", ("m", "r"))
    >>> difference = make("add", A, make("mul", number(-1), B))
    >>> goal = make("add", make("trace", make("matmul", make("transpose", A), A)),
    ...             make("mul", number(-1), make("trace", make("matmul", make("transpose", B), B))))
    >>> len(prove_zero(goal, [difference]).cofactors)
    2
    """
    target = polynomial_of(expand(goal))
    if target.is_zero:
        return Proof((), ())
    known = [Hypothesis(polynomial_of(expand(h)), f"h{i}") for i, h in enumerate(hypotheses)]
    for count in range(_DIVISORS + 1):
        for divide in combinations_with_replacement(nonzero, count):
            scaled = target
            for name in divide:
                scaled = multiply(polynomial_of(symbol(name)), scaled, scaled.shape)
            found = _search(scaled, known)
            if found is not None:
                return Proof(tuple(_cofactor(place, value, known) for place, value in found), divide)
    return None


def residual(goal: Term, hypotheses: Sequence[Term], proof: Proof) -> Polynomial:
    """`(product of divide) · goal − Σ cofactors`, expanded from the terms alone; zero for a correct certificate.

    Raises:
        ShapeError: if the cofactors do not fit together.
    """
    goal = expand(goal)
    parts = [make("mul", *(symbol(n) for n in proof.divide), goal) if proof.divide else goal]
    for cofactor in proof.cofactors:
        h = expand(hypotheses[cofactor.hypothesis])
        h = make("transpose", h) if cofactor.transpose else h
        factors = [f for f in (cofactor.left, h, cofactor.right) if f is not None]
        scalars, matrices = [f for f in factors if f.is_scalar], [f for f in factors if not f.is_scalar]
        product = matrices[:1] if len(matrices) < 2 else [make("matmul", *matrices)]
        if cofactor.trace:
            product = [make("trace", p) for p in product]
        parts.append(make("mul", number(-1), cofactor.coefficient, *scalars, *product))
    for part in parts:
        if part.shape != goal.shape:
            raise ShapeError(f"a cofactor of {show_shape(part.shape)} for a goal of {show_shape(goal.shape)}")
    return sum_of([polynomial_of(p) for p in parts], goal.shape)


def _cofactor(place: _Place, value: Fraction, known: Sequence[Hypothesis]) -> Cofactor:
    rows, cols = known[place.hypothesis].polynomial.shape or (1, 1)
    if place.transpose:
        rows, cols = cols, rows
    return Cofactor(
        coefficient=term_of_polynomial(Polynomial((), {(place.monomial, ()): value})),
        left=term_of_word(place.left, (rows, rows)) if place.left else None,
        hypothesis=place.hypothesis,
        transpose=place.transpose,
        right=term_of_word(place.right, (cols, cols)) if place.right else None,
        trace=place.trace,
    )


# --- the search -----------------------------------------------------------------------------------------------------


def _search(goal: Polynomial, known: Sequence[Hypothesis]) -> list[tuple[_Place, Fraction]] | None:
    """Columns that add up to the goal, with their factors."""
    longest = max([_length(k) for k in goal.terms] + [_length(k) for h in known for k in h.polynomial.terms])
    seen_keys, seen_places = set(goal.terms), set[_Place]()
    frontier = [key for key, _ in goal.sorted_terms()]
    basis = _Basis()
    for _ in range(_ROUNDS):
        fresh: list[Key] = []
        for key in frontier:
            for place in _places(key, goal.shape, known):
                if place in seen_places or len(seen_places) >= _COLUMNS:
                    continue
                seen_places.add(place)
                column = _column(place, goal.shape, known)
                if any(_length(k) > longest + _SLACK for k in column.terms):
                    continue
                basis.add(place, column)
                new = [k for k, _ in column.sorted_terms() if k not in seen_keys]
                seen_keys.update(new)
                fresh += new
        found = basis.solve(goal)
        if found is not None:
            return found
        if not fresh:
            return None
        frontier = fresh
    return None


def _length(key: Key) -> int:
    """The degree of a key in letters and scalars, trace words included."""
    monomial, word = key
    return len(word) + sum(
        int(abs(e)) * (len(a.args[0].args) if a.op == "trace" and a.args[0].op == "matmul" else 1) for a, e in monomial
    )


def _column(place: _Place, shape: Shape, known: Sequence[Hypothesis]) -> Polynomial:
    h = known[place.hypothesis].polynomial
    result = h.transposed() if place.transpose else h
    if place.left:
        left = from_word(place.left, word_shape(place.left))
        result = multiply(left, result, (left.shape[0], result.shape[1]) if result.shape else shape)  # type: ignore[misc]
    if place.right:
        right = from_word(place.right, word_shape(place.right))
        result = multiply(result, right, (result.shape[0], right.shape[1]))  # type: ignore[misc]
    if place.trace:
        result = trace_of(result)
    return multiply(Polynomial((), {(place.monomial, ()): Fraction(1)}), result, shape)


def _places(key: Key, shape: Shape, known: Sequence[Hypothesis]) -> Iterator[_Place]:
    """All ways a term of a hypothesis sits inside a key."""
    monomial, word = key
    for index, hypothesis in enumerate(known):
        h = hypothesis.polynomial
        for (part, inside), _ in h.sorted_terms():
            if len(h.shape) != 2:
                rest = _quotient(monomial, part)
                if rest is not None:
                    yield _Place(rest, word, index, False, (), False)
            elif shape == ():
                yield from _in_traces(monomial, part, inside, index, h.shape)
            else:
                rest = _quotient(monomial, part)
                if rest is not None:
                    yield from _in_word(rest, word, shape, inside, index, h.shape)


def _in_word(rest: Monomial, word: Word, shape: Shape, inside: Word, index: int, h_shape: tuple[Dim, Dim]) -> Iterator[_Place]:
    boundaries = _boundaries(word, shape)
    for transpose in (False, True):
        wanted = turned(inside) if transpose else inside
        rows, cols = h_shape[::-1] if transpose else h_shape
        for start in range(len(word) - len(wanted) + 1):
            end = start + len(wanted)
            if word[start:end] == wanted and boundaries[start] == rows and boundaries[end] == cols:
                yield _Place(rest, word[:start], index, transpose, word[end:], False)


def _boundaries(word: Word, shape: Shape) -> list[Dim]:
    """The dimension before, between and after the letters."""
    sizes: list[Dim] = [*shape[:1]]
    for letter in word:
        sizes.append(letter_shape(letter)[1])  # type: ignore[misc]
    return sizes


def _in_traces(monomial: Monomial, part: Monomial, inside: Word, index: int, h_shape: tuple[Dim, Dim]) -> Iterator[_Place]:
    rows, cols = h_shape
    for atom, exponent in monomial:
        if exponent < 1 or atom.op not in ("trace", "dim"):
            continue
        rest = _quotient(_quotient(monomial, ((atom, Fraction(1)),)) or (), part)
        if rest is None:
            continue
        if atom.op == "dim":
            if not inside and rows == cols == atom.payload[0]:
                yield _Place(rest, (), index, False, (), True)
            continue
        word = word_of(atom.args[0])
        if word is None:
            continue
        for cycle in sorted(equal_traces(word), key=word_key):
            fits = cycle[: len(inside)] == inside and letter_shape(cycle[0])[0] == rows  # type: ignore[misc]
            if fits and (inside or rows == cols):
                yield _Place(rest, (), index, False, cycle[len(inside) :], True)


def _quotient(monomial: Monomial, divisor: Monomial) -> Monomial | None:
    """`monomial / divisor` if every power of the divisor is contained in the monomial's."""
    exponents = dict(monomial)
    for atom, wanted in divisor:
        present = exponents.get(atom, Fraction(0))
        if abs(present) < abs(wanted) or (present > 0) != (wanted > 0):
            return None
        exponents[atom] = present - wanted
        if not exponents[atom]:
            del exponents[atom]
    return tuple((a, e) for a, e in monomial if a in exponents for e in (exponents[a],))


# --- sparse elimination ---------------------------------------------------------------------------------------------


class _Basis:
    """Columns in echelon form over Q, each with its combination of the original columns."""

    def __init__(self) -> None:
        self._rows: dict[Key, tuple[dict[Key, Fraction], dict[_Place, Fraction]]] = {}
        self._ranks: dict[Key, tuple[object, ...]] = {}

    def _rank(self, key: Key) -> tuple[object, ...]:
        if key not in self._ranks:
            self._ranks[key] = (monomial_key(key[0]), word_key(key[1]))
        return self._ranks[key]

    def _reduce(self, vector: dict[Key, Fraction], combination: dict[_Place, Fraction]) -> Key | None:
        """Subtract basis columns until the leading key is free; None if nothing is left."""
        while vector:
            lead = max(vector, key=self._rank)
            if lead not in self._rows:
                return lead
            row, origin = self._rows[lead]
            factor = vector[lead] / row[lead]
            _subtract(vector, row, factor)
            _subtract(combination, origin, factor)
        return None

    def add(self, place: _Place, column: Polynomial) -> None:
        """One more column."""
        vector, combination = dict(column.terms), {place: Fraction(1)}
        lead = self._reduce(vector, combination)
        if lead is not None:
            self._rows[lead] = (vector, combination)

    def solve(self, goal: Polynomial) -> list[tuple[_Place, Fraction]] | None:
        """The goal as a combination of the columns."""
        vector, combination = dict(goal.terms), dict[_Place, Fraction]()
        if self._reduce(vector, combination) is not None:
            return None
        return [(place, -value) for place, value in combination.items()]


_K = TypeVar("_K")


def _subtract(left: dict[_K, Fraction], right: dict[_K, Fraction], factor: Fraction) -> None:
    for key, value in right.items():
        changed = left.get(key, Fraction(0)) - factor * value
        if changed:
            left[key] = changed
        else:
            left.pop(key, None)
