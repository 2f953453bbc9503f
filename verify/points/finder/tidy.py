"""Derived terms made cheap to evaluate, without expanding anything: products and sums are flattened, units dropped.

Main definitions: `tidy`, `associate` (the cheapest order of every matrix product for given sizes).

The canonical form (`calculus.normal_form`) multiplies out, which is right for comparing formulas and wrong for computing
them: `φ(W + ABᵀ)` would be split and shared parts lost. Here a term keeps its structure, so that the value, gradient and
Hessian of a loss go on sharing their nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache

from verify.language.operations.algebra import chain, transpose
from verify.language.operations.entries import HOLE
from verify.language.terms import Dim, Term, is_zero, make, number, walk, zeros_like

Rule = Callable[[Term, Sequence[Term]], Term]


@lru_cache(maxsize=1024)
def tidy(term: Term) -> Term:
    """An equal term that is cheaper to evaluate.

    >>> from verify.language.printing import text
    >>> from verify.language.terms import symbol
    >>> A, I = symbol("A", ("m", "r")), make("eye", payload=("r",))
    >>> half = make("mul", number(Fraction(1, 2)), make("matmul", A, I))
    >>> text(tidy(make("add", half, half)))
    'A'
    """
    done: dict[Term, Term] = {}
    for node in walk(term):
        args = [done[a] for a in node.args]
        rule = _RULES.get(node.op)
        done[node] = make(node.op, *args, payload=node.payload) if rule is None else rule(node, args)
    return done[term]


def _factors(term: Term) -> tuple[Fraction, list[Term], Term | None]:
    """A term as number · scalars · core (None: the core is 1)."""
    if term.op == "num":
        return term.payload[0], [], None
    if term.op != "mul":
        return Fraction(1), [], term
    value, scalars, core = Fraction(1), list[Term](), None
    for part in term.args:
        if part.op == "num":
            value *= part.payload[0]
        elif part.is_scalar:
            scalars.append(part)
        else:
            core = part
    return value, scalars, core


def _product(value: Fraction, scalars: Sequence[Term], core: Term | None, like: Term) -> Term:
    if value == 0 or (core is not None and is_zero(core)):
        return zeros_like(like.shape)
    parts = [*([] if value == 1 else [number(value)]), *scalars, *([] if core is None else [core])]
    if not parts:
        return number(1)
    return parts[0] if len(parts) == 1 else make("mul", *parts)


def _pull(args: Sequence[Term]) -> tuple[Fraction, list[Term], list[Term]]:
    """Numbers and scalars taken out of the matrix arguments of a multilinear node."""
    value, scalars, cores = Fraction(1), list[Term](), list[Term]()
    for argument in args:
        v, s, core = _factors(argument)
        value, scalars = value * v, scalars + s
        assert core is not None
        cores.append(core)
    return value, scalars, cores


def _mul(node: Term, args: Sequence[Term]) -> Term:
    value, scalars, matrix = Fraction(1), list[Term](), None
    for argument in args:
        v, s, core = _factors(argument)
        value, scalars = value * v, scalars + s
        if core is not None and core.is_scalar:
            scalars.append(core)
        elif core is not None:
            matrix = core
    return _product(value, scalars, matrix, node)


def _matmul(node: Term, args: Sequence[Term]) -> Term:
    value, scalars, cores = _pull(args)
    flat = [f for core in cores for f in (core.args if core.op == "matmul" else (core,))]
    if any(is_zero(f) for f in flat):
        return zeros_like(node.shape)
    kept = [f for f in flat if f.op != "eye"] or flat[:1]
    merged = [kept[0]]
    for factor in kept[1:]:
        last = merged[-1]
        if last.op == "ones" and factor.op == "ones" and last.payload[1] == 1:
            merged[-1] = make("ones", payload=(last.payload[0], factor.payload[1]))
        else:
            merged.append(factor)
    return _product(value, scalars, chain(merged), node)


def _transposed(term: Term) -> Term:
    match term.op:
        case "matmul":
            return _matmul(make("transpose", term), [_transposed(a) for a in reversed(term.args)])
        case "mul":
            return make("mul", *(a if a.is_scalar else _transposed(a) for a in term.args))
        case "ones" | "zeros":
            return make(term.op, payload=term.payload[::-1])
        case "eye" | "diag":
            return term
        case _:
            return transpose(term)


@lru_cache(maxsize=4096)
def _turns(term: Term) -> int:
    """How many transposes a term's tree has."""
    return (term.op == "transpose") + sum(_turns(a) for a in term.args)


def _upright(term: Term) -> Term:
    """A sum, entrywise product or entrywise function, turned so that it and its transpose share one node."""
    if term.is_scalar or term.op not in ("add", "hadamard", "map"):
        return term
    turned = [_transposed(a) for a in term.args]
    if sum(map(_turns, turned)) < sum(map(_turns, term.args)):
        return transpose(make(term.op, *turned, payload=term.payload))
    return term


def _add(node: Term, args: Sequence[Term]) -> Term:
    sums: dict[Term, Fraction] = {}
    constant = Fraction(0)
    for argument in args:
        for part in argument.args if argument.op == "add" else (argument,):
            value, scalars, core = _factors(part)
            if core is None and not scalars:
                constant += value
                continue
            rest = _product(Fraction(1), scalars, core, part)
            sums[rest] = sums.get(rest, Fraction(0)) + value
    parts = [_product(value, *_factors(rest)[1:], node) for rest, value in sums.items() if value and not is_zero(rest)]
    if constant:
        parts.append(number(constant))
    if not parts:
        return zeros_like(node.shape)
    return parts[0] if len(parts) == 1 else _upright(make("add", *parts))


def _hadamard(node: Term, args: Sequence[Term]) -> Term:
    value, scalars, cores = _pull(args)
    flat = [f for core in cores for f in (core.args if core.op == "hadamard" else (core,))]
    if any(is_zero(f) for f in flat):
        return zeros_like(node.shape)
    kept = [f for f in flat if f.op != "ones"] or flat[:1]
    return _product(value, scalars, kept[0] if len(kept) == 1 else _upright(make("hadamard", *kept)), node)


def _linear(node: Term, args: Sequence[Term]) -> Term:
    """Nodes linear in their one matrix argument: factors move out."""
    value, scalars, (core,) = _pull(args)
    if is_zero(core):
        return zeros_like(node.shape)
    if node.op == "trace" and core.op == "transpose":
        core = core.args[0]
    return _product(value, scalars, make(node.op, core, payload=node.payload), node)


def _pow(node: Term, args: Sequence[Term]) -> Term:
    exponent: Fraction = node.payload[0]
    if exponent == 1:
        return args[0]
    return number(1) if exponent == 0 else make("pow", *args, payload=node.payload)


def _map(node: Term, args: Sequence[Term]) -> Term:
    body = tidy(node.payload[0])
    if body == HOLE:
        return args[0]
    if body.op == "num" and not node.is_scalar:
        return _product(body.payload[0], [], make("ones", payload=node.shape), node)
    return _upright(make("map", *args, payload=(body,)))


_RULES: dict[str, Rule] = {
    "add": _add,
    "mul": _mul,
    "matmul": _matmul,
    "transpose": lambda node, args: _transposed(args[0]),
    "trace": _linear,
    "hadamard": _hadamard,
    "apply": _linear,
    "adjoint": _linear,
    "entry": _linear,
    "diag": _linear,
    "diagonal": _linear,
    "pow": _pow,
    "map": _map,
}


def associate(term: Term, dims: Mapping[str, int]) -> Term:
    """The term with every product of matrices written as products of two, in the cheapest order for these sizes."""
    done: dict[Term, Term] = {}
    for node in walk(term):
        args = [done[a] for a in node.args]
        done[node] = _cheapest(args, dims) if node.op == "matmul" else make(node.op, *args, payload=node.payload)
    return done[term]


def _cheapest(factors: Sequence[Term], dims: Mapping[str, int]) -> Term:
    def size(dim: Dim) -> int:
        return dim if isinstance(dim, int) else dims[dim]

    edges = [size(factors[0].shape[0]), *(size(f.shape[1]) for f in factors)]  # type: ignore[misc]
    best: dict[tuple[int, int], tuple[int, Term]] = {(i, i): (0, f) for i, f in enumerate(factors)}
    for length in range(1, len(factors)):
        for i in range(len(factors) - length):
            j = i + length
            options = []
            for k in range(i, j):
                (left, a), (right, b) = best[i, k], best[k + 1, j]
                options.append((left + right + edges[i] * edges[k + 1] * edges[j + 1], k, a, b))
            work, _, a, b = min(options, key=lambda option: option[:2])
            best[i, j] = (work, make("matmul", a, b))
    return best[0, len(factors) - 1][1]
