"""The canonical form: terms to polynomials in noncommutative words and central scalars, and back.

Main definitions: `polynomial_of`, `canonical`. Equal formulas (up to the rules below) have equal canonical terms, so
they print equal. Rules: sums, products, transposes and traces are expanded; trace words are taken up to cyclic shift
and transpose; `‖X‖_F² = tr(XᵀX)`; linear nodes (operators, Hessian slots, Hadamard products, entries, diagonals) are
expanded in their arguments; x^a·x^b = x^(a+b) wherever both sides are defined; everything else is an atom with a
canonical argument.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import product

from verify.calculus.polynomials import (
    Polynomial,
    Word,
    constant,
    from_word,
    hadamard_word,
    is_symmetric,
    ones_word,
    scalar_atom,
    sum_of,
    term_of_polynomial,
    term_of_word,
)
from verify.calculus.products import dimension, multiply, power, reduce_word
from verify.calculus.traces import letter_shape, trace_of_word
from verify.language.operations.entries import HOLE
from verify.language.terms import Shape, Term, make, walk


def canonical(term: Term) -> Term:
    """The canonical term of `term`.

    >>> from verify.language.terms import symbol
    >>> from verify.language.printing import text
    >>> A = symbol("A", ("m", "r"))
    >>> text(canonical(make("pow", make("frobenius", A), payload=(Fraction(2),))))
    'tr(Aᵀ·A)'
    """
    return term_of_polynomial(polynomial_of(term))


def polynomial_of(term: Term) -> Polynomial:
    """The polynomial of a term; every `derivative` node must have been expanded."""
    done: dict[Term, Polynomial] = {}
    for node in walk(term):
        done[node] = _RULES.get(node.op, _opaque)(node, [done[a] for a in node.args])
    return done[term]


# --- rules of the node kinds ----------------------------------------------------------------------------------------

Rule = Callable[[Term, Sequence[Polynomial]], Polynomial]


def _letter(atom: Term, *, flipped: bool = False) -> Polynomial:
    shape = atom.shape[::-1] if flipped else atom.shape
    if shape == (1, 1) or is_symmetric(atom):
        flipped = False
    return from_word(((atom, flipped),), shape)


def _symbol(node: Term, args: Sequence[Polynomial]) -> Polynomial:
    return scalar_atom(node) if node.is_scalar else _letter(node)


def _ones(node: Term, args: Sequence[Polynomial]) -> Polynomial:
    return from_word(ones_word(node), node.shape)


def _product(node: Term, args: Sequence[Polynomial]) -> Polynomial:
    result = constant(1)
    for argument in sorted(args, key=lambda p: p.shape != ()):
        result = multiply(result, argument, argument.shape or result.shape)
    return result


def _matmul(node: Term, args: Sequence[Polynomial]) -> Polynomial:
    result = args[0]
    for argument in args[1:]:
        result = multiply(result, argument, (result.shape[0], argument.shape[1]))  # type: ignore[misc]
    return result


def _trace(node: Term, args: Sequence[Polynomial]) -> Polynomial:
    return trace_of(args[0])


def trace_of(polynomial: Polynomial) -> Polynomial:
    """The trace of a square polynomial."""
    parts = []
    for (monomial, word), value in polynomial.terms.items():
        coefficient = Polynomial((), {(monomial, ()): value})
        parts.append(multiply(coefficient, _word_trace(word, polynomial.shape), ()))
    return sum_of(parts, ())


def _word_trace(word: Word, shape: Shape) -> Polynomial:
    """The trace of a word, in which `K⁻¹K` and `1ᵀ1` cancel across the ends too."""
    if any(atom.op in ("ones", "inverse") for atom, _ in word):
        for i in range(len(word)):
            rotated = word[i:] + word[:i]
            reduced, factor = reduce_word(rotated)
            if len(reduced) < len(rotated):
                return multiply(factor, _word_trace(reduced, letter_shape(rotated[0])[:1] * 2), ())
    result = trace_of_word(word, shape)
    single = result.single()
    if single is not None and single[0] and any(_has_twin_maps(node) for node in walk(single[0][0][0])):
        # A slot exchange brought two functions of one argument together: multiply them.
        return trace_of(polynomial_of(single[0][0][0].args[0]))
    return result


def _has_twin_maps(node: Term) -> bool:
    """Whether a Hadamard product has two elementwise functions of the same argument."""
    if node.op != "hadamard":
        return False
    inside = [(a.op, a.args[0] if a.op == "transpose" else a) for a in node.args]
    points = [(op == "transpose", a.args[0]) for op, a in inside if a.op == "map"]
    return len(set(points)) < len(points)


def _frobenius(node: Term, args: Sequence[Polynomial]) -> Polynomial:
    gram = multiply(args[0].transposed(), args[0], (args[0].shape[1],) * 2)  # type: ignore[misc]
    return power(_trace(node, [gram]), Fraction(1, 2))


def _slots(args: Sequence[Polynomial]) -> list[tuple[Polynomial, list[Term]]]:
    """Expand a multilinear node: (scalar coefficient, one word term a slot) for each combination."""
    combinations = []
    for picked in product(*(p.sorted_terms() for p in args)):
        coefficient = constant(1)
        words = []
        for ((monomial, word), value), p in zip(picked, args, strict=True):
            coefficient = multiply(coefficient, Polynomial((), {(monomial, ()): value}), ())
            words.append(term_of_word(word, p.shape))
        combinations.append((coefficient, words))
    return combinations


def _smooth(node: Term, args: Sequence[Polynomial]) -> Polynomial:
    point = term_of_polynomial(args[0])
    if len(args) == 1:
        return scalar_atom(make("smooth", point, payload=node.payload))
    # D^k f(X)[Z1..Zk] = tr(D^(k-1) grad f(X)[Z1..Z(k-1)]ᵀ Zk), one normal form for both.
    gradient = _smooth_gradient(node, args[:-1])
    pairing = multiply(gradient.transposed(), args[-1], (args[-1].shape[1],) * 2)  # type: ignore[misc]
    return _trace(node, [pairing])


def _smooth_gradient(node: Term, args: Sequence[Polynomial]) -> Polynomial:
    point = term_of_polynomial(args[0])
    parts = []
    for coefficient, words in _slots(args[1:]):
        atom = make("smoothgrad", point, *sorted(words, key=repr), payload=node.payload)
        parts.append(multiply(coefficient, _letter(atom), atom.shape))
    return sum_of(parts, node.payload[0].shape)


def _linear_atom(node: Term, args: Sequence[Polynomial]) -> Polynomial:
    """Operators, entries and diagonals: linear in their one argument. `Xᵀ_ij = X_ji`, and X has the diagonal of Xᵀ."""
    parts = []
    for coefficient, (word,) in _slots(args):
        op = "apply" if node.op == "adjoint" and node.payload[0].symmetric else node.op
        atom = make(op, word, payload=node.payload)
        if op in ("entry", "diagonal"):
            over = term_of_polynomial(polynomial_of(word).transposed())
            atom = min(atom, make(op, over, payload=node.payload[::-1]), key=repr)
        leaf = scalar_atom(atom) if node.is_scalar else _letter(atom)
        parts.append(multiply(coefficient, leaf, node.shape))
    return sum_of(parts, node.shape)


def _hadamard(node: Term, args: Sequence[Polynomial]) -> Polynomial:
    parts = []
    for coefficient, words in _slots(args):
        if any(w.op == "zeros" for w in words):
            continue
        word = hadamard_word(_merge_maps(words))
        part = _ones(make("ones", payload=node.shape), ()) if word is None else from_word(word, node.shape)
        parts.append(multiply(coefficient, part, node.shape))
    return sum_of(parts, node.shape)


def _merge_maps(factors: Sequence[Term]) -> list[Term]:
    """Multiply elementwise functions of one and the same argument."""
    bodies: dict[Term, Term] = {}
    rest: list[Term] = []
    for factor in factors:
        for part in factor.args if factor.op == "hadamard" else (factor,):
            over = part.op == "transpose"
            inside = part.args[0] if over else part
            if inside.op == "map":
                point = canonical(make("transpose", inside.args[0])) if over else inside.args[0]
                body = inside.payload[0]
                bodies[point] = make("mul", bodies[point], body) if point in bodies else body
            else:
                rest.append(part)
    merged = [polynomial_of(make("map", x, payload=(canonical(b),))) for x, b in bodies.items()]
    return rest + [term_of_polynomial(p) for p in merged]


def _map(node: Term, args: Sequence[Polynomial]) -> Polynomial:
    """Elementwise functions: polynomials become Hadamard powers, sums are split, the rest are atoms."""
    inside = term_of_polynomial(args[0])
    body = polynomial_of(node.payload[0])
    parts = []
    for (monomial, _), value in body.sorted_terms():
        fixed = tuple((a, e) for a, e in monomial if HOLE not in set(walk(a)))
        moving = tuple((a, e) for a, e in monomial if HOLE in set(walk(a)))
        coefficient = Polynomial((), {(fixed, ()): value})
        if not moving:
            part = constant(1) if node.is_scalar else _ones(make("ones", payload=node.shape), ())
        elif len(moving) == 1 and moving[0][0] == HOLE and moving[0][1].denominator == 1 and 0 < moving[0][1] <= 12:
            part = _hadamard_power(args[0], int(moving[0][1]), node)
        else:
            function = term_of_polynomial(Polynomial((), {(moving, ()): Fraction(1)}))
            part = _map_atom(function, inside, args[0], node)
        parts.append(multiply(coefficient, part, node.shape))
    return sum_of(parts, node.shape)


def _hadamard_power(base: Polynomial, exponent: int, node: Term) -> Polynomial:
    if node.is_scalar:
        return power(base, Fraction(exponent))
    return base if exponent == 1 else _hadamard(node, [base] * exponent)


def _map_atom(function: Term, inside: Term, base: Polynomial, node: Term) -> Polynomial:
    if node.is_scalar:
        return scalar_atom(make("map", inside, payload=(function,)))
    over = term_of_polynomial(base.transposed())
    if repr(over) < repr(inside):
        return _letter(make("map", over, payload=(function,)), flipped=True)
    return _letter(make("map", inside, payload=(function,)))


def _inverse(node: Term, args: Sequence[Polynomial]) -> Polynomial:
    straight, over = term_of_polynomial(args[0]), term_of_polynomial(args[0].transposed())
    if straight.op == "eye":
        return args[0]
    if straight == over or repr(straight) < repr(over):
        return _letter(make("inverse", straight))
    return _letter(make("inverse", over), flipped=True)


def _unitary_invariant(node: Term, args: Sequence[Polynomial]) -> Polynomial:
    """Norms, rank, singular values, determinant, smallest eigenvalue: the same for X and Xᵀ."""
    straight, over = term_of_polynomial(args[0]), term_of_polynomial(args[0].transposed())
    inside = over if repr(over) < repr(straight) else straight
    return scalar_atom(make(node.op, inside, *(term_of_polynomial(a) for a in args[1:]), payload=node.payload))


def _function(node: Term, args: Sequence[Polynomial]) -> Polynomial:
    name = node.payload[0]
    if name in ("exp", "cos") and args[0].is_zero:
        return constant(1)
    if name in ("tanh", "sin", "erf", "abs", "relu") and args[0].is_zero:
        return constant(0)
    if name == "log" and args[0] == constant(1):
        return constant(0)
    return scalar_atom(make("fn", term_of_polynomial(args[0]), payload=node.payload))


def _extreme(node: Term, args: Sequence[Polynomial]) -> Polynomial:
    parts = sorted({term_of_polynomial(a) for a in args}, key=repr)
    return polynomial_of(parts[0]) if len(parts) == 1 else scalar_atom(make(node.op, *parts))


def _glue(node: Term, args: Sequence[Polynomial]) -> Polynomial:
    """One side alone where both are the same, or where it is 0 itself on the other side, as `max(c, 0)` is."""
    switch, positive, negative = (term_of_polynomial(a) for a in args)
    ends = {
        make("max", *sorted([switch, make("num", payload=(Fraction(0),))], key=repr)),
        make("fn", switch, payload=("relu",)),
    }
    fades = all(any(atom in ends and exponent > 0 for atom, exponent in monomial) for monomial, _ in args[1].terms)
    if positive == negative or (args[2].is_zero and fades):
        return args[1]
    return scalar_atom(make("glue", switch, positive, negative))


def _opaque(node: Term, args: Sequence[Polynomial]) -> Polynomial:
    atom = make(node.op, *(term_of_polynomial(a) for a in args), payload=node.payload)
    return scalar_atom(atom) if node.is_scalar else _letter(atom)


_RULES: dict[str, Rule] = {
    "num": lambda node, args: constant(node.payload[0]),
    "dim": lambda node, args: dimension(node.payload[0]),
    "sym": _symbol,
    "hole": lambda node, args: scalar_atom(node),
    "eye": lambda node, args: from_word((), node.shape),
    "zeros": lambda node, args: Polynomial(node.shape, {}),
    "ones": _ones,
    "add": lambda node, args: sum_of(args, node.shape),
    "mul": _product,
    "matmul": _matmul,
    "transpose": lambda node, args: args[0].transposed(),
    "trace": _trace,
    "frobenius": _frobenius,
    "pow": lambda node, args: power(args[0], node.payload[0]),
    "hadamard": _hadamard,
    "map": _map,
    "smooth": _smooth,
    "smoothgrad": _smooth_gradient,
    "apply": _linear_atom,
    "adjoint": _linear_atom,
    "entry": _linear_atom,
    "diag": _linear_atom,
    "diagonal": _linear_atom,
    "inverse": _inverse,
    "nuclear": _unitary_invariant,
    "spectral": _unitary_invariant,
    "sigma": _unitary_invariant,
    "rank": _unitary_invariant,
    "det": _unitary_invariant,
    "lambda_min": _unitary_invariant,
    "fn": _function,
    "max": _extreme,
    "min": _extreme,
    "glue": _glue,
}
