"""Canonical trace words: up to cyclic shift, transpose, and the symmetries of Hadamard, operator and Hessian nodes."""

from __future__ import annotations

from collections.abc import Iterator

from verify.calculus.polynomials import (
    Letter,
    Polynomial,
    Word,
    constant,
    hadamard_word,
    scalar_atom,
    term_of_word,
    turned,
    word_key,
    word_of,
)
from verify.language.operations.functions import OperatorSymbol
from verify.language.terms import Shape, make

_CLOSURE_LIMIT = 200


def rotations(word: Word) -> Iterator[Word]:
    """All cyclic shifts of a word and of its transpose."""
    for base in (word, turned(word)):
        for i in range(len(base)):
            yield base[i:] + base[:i]


def letter_shape(letter: Letter) -> Shape:
    """The shape of one letter."""
    atom, flipped = letter
    return atom.shape[::-1] if flipped else atom.shape


def word_shape(word: Word) -> Shape:
    """The shape of a non-empty word."""
    return (letter_shape(word[0])[0], letter_shape(word[-1])[1])  # type: ignore[misc]


def _partners(word: Word) -> Iterator[Word]:
    """Equal traces obtained by exchanging the rest of the word with a slot of its first letter."""
    (atom, flipped), rest = word[0], word[1:]
    if not rest:
        return
    # tr(Lᵀ R) = <L, R> with L the letter: R = rest, or its transpose where the letter stands untransposed.
    right = rest if flipped else turned(rest)
    rest_term = term_of_word(right, atom.shape)
    if atom.op == "smoothgrad":
        for i in range(1, len(atom.args)):
            slot = word_of(atom.args[i])
            if slot is not None:
                free = sorted([*atom.args[1:i], *atom.args[i + 1 :], rest_term], key=repr)
                yield ((make("smoothgrad", atom.args[0], *free, payload=atom.payload), True), *slot)
    elif atom.op == "hadamard":
        for i in range(len(atom.args)):
            slot = word_of(atom.args[i])
            swapped = hadamard_word([*atom.args[:i], *atom.args[i + 1 :], rest_term])
            if swapped is not None and (slot is not None or atom.args[i].op == "eye"):
                yield (*turned(swapped), *(slot or ()))
    elif atom.op in ("apply", "adjoint"):
        slot = word_of(atom.args[0])
        operator: OperatorSymbol = atom.payload[0]
        if slot is not None:
            other = "apply" if operator.symmetric or atom.op == "adjoint" else "adjoint"
            yield ((make(other, rest_term, payload=atom.payload), True), *slot)


def equal_traces(word: Word) -> set[Word]:
    """Words with the same trace: shifts, transposes and slot exchanges (a bounded number of them)."""
    seen: set[Word] = set()
    queue = [word]
    while queue and len(seen) < _CLOSURE_LIMIT:
        current = queue.pop()
        if current in seen:
            continue
        seen.update(rotations(current))
        for shifted in set(rotations(current)):
            queue.extend(p for p in _partners(shifted) if p not in seen)
    return seen


def canonical_cycle(word: Word) -> Word:
    """The least of all words with the same trace; a single letter first, as in tr((I∘X)·Y) = tr(X∘Yᵀ)."""
    return min(equal_traces(word), key=lambda w: (len(w) > 1, _trace_key(w)))


def _trace_key(word: Word) -> tuple[object, ...]:
    """As `word_key`, but `tr(AᵀA)` comes before `tr(AAᵀ)`."""
    return word_key(tuple((a, not t) for a, t in word))


def trace_of_word(word: Word, shape: Shape) -> Polynomial:
    """The trace of a word as a scalar polynomial."""
    if not word:
        size = shape[0]  # type: ignore[misc]
        return constant(size) if isinstance(size, int) else scalar_atom(make("dim", payload=(size,)))
    cycle = canonical_cycle(word)
    square = word_shape(cycle)
    if len(cycle) == 1 and cycle[0][1]:
        return scalar_atom(make("trace", cycle[0][0]))
    return scalar_atom(make("trace", term_of_word(cycle, square)))
