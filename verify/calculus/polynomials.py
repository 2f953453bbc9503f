"""Linear combinations of words: the data the canonical form is made of.

A *letter* is an atomic matrix, possibly transposed; a *word* is a product of letters; a *monomial* is a product of
powers of atomic scalars. A `Polynomial` maps (monomial, word) to a rational coefficient; a scalar one has empty words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from verify.language.operations.algebra import chain, fraction_power, transpose
from verify.language.printing import text
from verify.language.terms import Shape, Term, make, number, zeros_like

Letter = tuple[Term, bool]
Word = tuple[Letter, ...]
Monomial = tuple[tuple[Term, Fraction], ...]
Key = tuple[Monomial, Word]


@lru_cache(maxsize=100_000)
def atom_key(atom: Term) -> tuple[int, str, str]:
    """The order of atoms: plain symbols first, then by their text; `repr` separates equal texts."""
    return (0 if atom.op in ("sym", "dim") else 1, text(atom), repr(atom))


def word_key(word: Word) -> tuple[object, ...]:
    """The order of words: shorter first, then letter by letter."""
    return (len(word), tuple((atom_key(a), t) for a, t in word))


def monomial_key(monomial: Monomial) -> tuple[object, ...]:
    """The order of monomials."""
    return (len(monomial), tuple((atom_key(a), e) for a, e in monomial))


def turned(word: Word) -> Word:
    """The word of the transpose."""
    return tuple((a, t if is_symmetric(a) else not t) for a, t in reversed(word))


@lru_cache(maxsize=100_000)
def is_symmetric(atom: Term) -> bool:
    """Atoms that equal their transpose: 1×1 and diagonal matrices, `I ∘ X`, `X ∘ Xᵀ`, inverses of symmetric ones."""
    if atom.shape == (1, 1) or atom.op == "diag":
        return True
    if atom.op == "hadamard" and len(set(atom.shape)) == 1:
        words = [word_of(a) or () for a in atom.args]
        over = [term_of_word(turned(w), atom.shape) for w in words]
        return () in words or sorted(over, key=repr) == list(atom.args)
    if atom.op == "inverse":
        from verify.calculus.normal_form import polynomial_of

        inside = polynomial_of(atom.args[0])
        return inside.transposed() == inside
    return False


@dataclass(frozen=True)
class Polynomial:
    """A linear combination of (monomial, word) with rational coefficients, of one shape."""

    shape: Shape
    terms: Mapping[Key, Fraction]

    @property
    def is_zero(self) -> bool:
        """Whether it has no terms."""
        return not self.terms

    def plus(self, other: Polynomial, factor: Fraction = Fraction(1)) -> Polynomial:
        """`self + factor · other`."""
        merged = dict(self.terms)
        for key, value in other.terms.items():
            merged[key] = merged.get(key, Fraction(0)) + factor * value
        return Polynomial(self.shape, {k: v for k, v in merged.items() if v})

    def scaled(self, factor: Fraction) -> Polynomial:
        """`factor · self`."""
        return Polynomial(self.shape, {k: factor * v for k, v in self.terms.items()} if factor else {})

    def transposed(self) -> Polynomial:
        """The transpose."""
        return Polynomial(self.shape[::-1], {(m, turned(w)): v for (m, w), v in self.terms.items()})

    def sorted_terms(self) -> list[tuple[Key, Fraction]]:
        """The terms in canonical order."""
        return sorted(self.terms.items(), key=lambda item: (monomial_key(item[0][0]), word_key(item[0][1])))

    def order_key(self) -> tuple[object, ...]:
        """A key that orders whole polynomials."""
        return tuple((monomial_key(m), word_key(w), v) for (m, w), v in self.sorted_terms())

    def single(self) -> tuple[Monomial, Word, Fraction] | None:
        """Its only term, if there is exactly one."""
        if len(self.terms) != 1:
            return None
        ((monomial, word), value), *_ = self.terms.items()
        return monomial, word, value


def constant(value: Fraction | int) -> Polynomial:
    """A rational number."""
    return Polynomial((), {((), ()): Fraction(value)} if value else {})


def scalar_atom(atom: Term, exponent: Fraction = Fraction(1)) -> Polynomial:
    """A power of one atomic scalar."""
    return Polynomial((), {(((atom, exponent),), ()): Fraction(1)})


def from_word(word: Word, shape: Shape) -> Polynomial:
    """One word with coefficient 1."""
    return Polynomial(shape, {((), word): Fraction(1)})


def sum_of(polynomials: Iterable[Polynomial], shape: Shape) -> Polynomial:
    """The sum of polynomials of one shape."""
    total: dict[Key, Fraction] = {}
    for polynomial in polynomials:
        for key, value in polynomial.terms.items():
            total[key] = total.get(key, Fraction(0)) + value
    return Polynomial(shape, {k: v for k, v in total.items() if v})


def term_of_word(word: Word, shape: Shape) -> Term:
    """The matrix product a word stands for; the empty word is the identity."""
    if not word:
        return make("eye", payload=(shape[0],))  # type: ignore[misc]
    factors: list[Term] = []
    for atom, flipped in word:
        previous = factors[-1] if factors else None
        if flipped and atom.op == "ones" and previous is not None and previous.op == "ones" and previous.shape[1] == 1:  # type: ignore[misc]
            factors[-1] = make("ones", payload=(previous.shape[0], atom.shape[0]))  # type: ignore[misc]
        else:
            factors.append(transpose(atom) if flipped else atom)
    return chain(factors)


def word_of(term: Term) -> Word | None:
    """The word of a canonical product of letters, or None where the term is something else."""
    letters: list[Letter] = []
    for factor in term.args if term.op == "matmul" else (term,):
        if factor.op in ("add", "mul", "eye", "zeros", "matmul"):
            return None
        if factor.op == "ones" and factor.shape[1] != 1:  # type: ignore[misc]
            letters += ones_word(factor)
        else:
            letters.append((factor.args[0], True) if factor.op == "transpose" else (factor, False))
    return tuple(letters)


def ones_word(term: Term) -> Word:
    """An all-ones matrix as `1·1ᵀ`."""
    rows, cols = term.payload
    left: Word = () if rows == 1 else ((make("ones", payload=(rows, 1)), False),)
    right: Word = () if cols == 1 else ((make("ones", payload=(cols, 1)), True),)
    return left + right


def hadamard_word(factors: Sequence[Term]) -> Word | None:
    """The canonical word of a Hadamard product of words; None is the all-ones matrix, which is dropped from products.

    Nested products are flattened, factors sorted, and the whole is written for X or Xᵀ, whichever comes first.
    """
    flat: list[Word] = []
    for factor in factors:
        word = word_of(factor)
        if word is None:
            word = ((factor, False),)
        if len(word) == 1 and word[0][0].op == "hadamard":
            inside = [word_of(a) or ((a, False),) for a in word[0][0].args]
            flat += [turned(w) for w in inside] if word[0][1] else inside
        elif not all(a.op == "ones" or (a.op == "eye" and a.shape == (1, 1)) for a, _ in word):
            flat.append(word)
    if not flat:
        return None
    shape = factors[0].shape
    if any(len(w) == 1 and w[0][0].op == "eye" for w in flat):
        # I ∘ X = I ∘ Xᵀ, and I ∘ I = I.
        rest = [w for w in flat if not (len(w) == 1 and w[0][0].op == "eye")]
        terms = [term_of_word(min(w, turned(w), key=word_key), shape) for w in rest]
        return ((make("hadamard", *sorted([make("eye", payload=shape[:1]), *terms], key=repr)), False),) if rest else ()
    if len(flat) == 1:
        return flat[0]
    straight = make("hadamard", *sorted((term_of_word(w, shape) for w in flat), key=repr))
    over = make("hadamard", *sorted((term_of_word(turned(w), shape[::-1]) for w in flat), key=repr))
    return ((over, True),) if repr(over) < repr(straight) else ((straight, False),)


def term_of_polynomial(polynomial: Polynomial) -> Term:
    """The canonical term of a polynomial: sorted, with the coefficient first in each product."""
    summands: list[Term] = []
    for (monomial, word), value in polynomial.sorted_terms():
        factors: list[Term] = [number(value)] if value != 1 else []
        factors += [a if e == 1 else fraction_power(a, e) for a, e in monomial]
        if polynomial.shape != ():
            factors.append(term_of_word(word, polynomial.shape))
        if not factors:
            factors = [number(1)]
        summands.append(factors[0] if len(factors) == 1 else make("mul", *factors))
    if not summands:
        return zeros_like(polynomial.shape)
    return summands[0] if len(summands) == 1 else make("add", *summands)
