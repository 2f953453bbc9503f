"""Quantifiers: binding every symbol of a claim and elaborating it.

Main definitions: `forall`, `exists`, `always`, `closure`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

import sympy as sp

from verify.language.domains import REALS, Domain
from verify.language.errors import ClaimError
from verify.language.formulas import Declaration, Formula, Quantifier
from verify.language.functions import Operator, Smooth
from verify.language.names import require_readable
from verify.language.objects import check_objects, sizes_of
from verify.language.operations.functions import FunctionSymbol, OperatorSymbol
from verify.language.processes import Process
from verify.language.settings import Setting
from verify.language.statements import RegularizedStationary, Statement, both, require_statement
from verify.language.targets import targets_in
from verify.language.terms import Dim, Term, make, rebuild, walk, walk_with_bodies
from verify.language.translate import declared_term_of
from verify.language.written import bound_objects, objects_in, sizes_in


def _statements(value: Any, where: str) -> list[Statement]:
    items = value if isinstance(value, list | tuple) else [value]
    return [require_statement(item, where) for item in items]


@dataclass
class _Scope:
    """What a quantifier binds, gathered from its arguments."""

    variables: dict[str, Declaration] = field(default_factory=dict)
    optional: dict[str, Declaration] = field(default_factory=dict)
    objects: dict[Any, None] = field(default_factory=dict)
    sizes: set[str] = field(default_factory=set)
    """Of settings."""

    def bind(self, item: Any) -> None:
        # Of a setting's other objects only those that are used stand for something.
        self.objects.update(objects_in(*item.dimensions()) if isinstance(item, Setting) else bound_objects(item))
        if isinstance(item, Setting):
            self.sizes.update(d.name for d in item.dimensions())
            for name, term in item.variables().items():
                self.optional[name] = _declared(term)
            if item.f.is_opaque:
                self.optional[item.f.symbol.name] = item.f.symbol
        elif isinstance(item, Smooth):
            if item.is_opaque:
                self._declare(item.symbol.name, item.symbol)
        elif isinstance(item, Operator):
            self._declare(item.symbol.name, item.symbol)
        elif isinstance(item, sp.Symbol | sp.MatrixSymbol):
            self._declare(item.name, _declared(declared_term_of(item)))
        elif isinstance(item, list | tuple):
            for part in item:
                self.bind(part)
        else:
            raise ClaimError(
                f"{item!r} cannot be quantified: give settings, matrix or scalar symbols, smooth functions or operators"
            )

    def _declare(self, name: str, declaration: Declaration) -> None:
        if self.variables.setdefault(name, declaration) != declaration:
            raise ClaimError(f"the name {name} is used for two different things: rename one of them")


def _definitions(objects: Iterable[Any], given: Sequence[Statement]) -> list[Statement]:
    """What the symbols X⋆ and S of settings stand for, unless the claim states it itself."""
    stated = [s.written[2] for s in given if isinstance(s, RegularizedStationary) and s.written]
    missing = [d for d in targets_in(objects) if d.point not in stated]
    return [statement for definition in missing for statement in definition.statements()]


def _declared(term: Term) -> Declaration:
    if term.shape != ():
        return term.shape
    domain: Domain = term.payload[2] if len(term.payload) > 2 else REALS
    return domain


def _elaborate(
    quantifier: Quantifier,
    scope: _Scope,
    given: Sequence[Statement],
    then: Statement | None,
    process: Process | None = None,
    *,
    closed: bool = True,
) -> Formula:
    """Bind every variable, turn dimension symbols into dimensions, and strip the domains off the symbols."""
    written = [e for s in [*given, *([then] if then is not None else [])] for e in s.expressions()]
    written += process.written if process is not None else ()
    used = {**scope.objects, **objects_in(*written)}
    definitions = _definitions(used, given)
    used |= objects_in(*(e for s in definitions for e in s.expressions()))
    check_objects(used, sizes_in(*written))
    for symbol in (s for d in targets_in(used) for s in (d.point, d.witness)):
        scope.optional[symbol.name] = declared_term_of(symbol).shape
    all_given = [*definitions, *given]
    everything = [t for s in [*all_given, *([then] if then is not None else [])] for t in s.terms()]
    everything += process.terms() if process is not None else []
    nodes: dict[Term, None] = {}
    for term in everything:
        nodes.update(dict.fromkeys(walk_with_bodies(term)))
    dims = _dims_in(nodes, scope) | _counted(nodes, used, scope.sizes)
    variables = _bound(nodes, scope, dims, closed=closed)
    require_readable([*variables, *dims])
    change = _Stripper(dims)
    return Formula(
        quantifier,
        variables,
        tuple(sorted(dims)),
        tuple(s.mapped(change) for s in all_given),
        None if then is None else then.mapped(change),
        None if process is None else process.mapped(change),
        objects=tuple(used),
        stated=len(given),
    )


@dataclass(frozen=True)
class _Stripper:
    """Scalar symbols lose their domain; those that are dimensions become dimensions."""

    dims: frozenset[str]

    def __call__(self, term: Term) -> Term:
        replacement: dict[Term, Term] = {}
        for node in walk(term):
            if node.op == "sym" and node.payload[1] == ():
                name = node.payload[0]
                replacement[node] = make("dim", payload=(name,)) if name in self.dims else make("sym", payload=(name, ()))
        stripped = rebuild(term, replacement) if replacement else term
        return _strip_bodies(stripped, self)


def _strip_bodies(term: Term, change: _Stripper) -> Term:
    done: dict[Term, Term] = {}
    touched = False
    for node in walk(term):
        payload = node.payload
        if node.op in ("smooth", "smoothgrad") and payload[0].body is not None:
            payload = (replace(payload[0], body=change(payload[0].body)),)
            touched = True
        done[node] = Term(node.op, payload, tuple(done[a] for a in node.args), node.shape)
    return done[term] if touched else term


def _dims_in(nodes: Mapping[Term, None], scope: _Scope) -> frozenset[str]:
    found: set[str] = set()

    def add(*sizes: Dim) -> None:
        found.update(d for d in sizes if isinstance(d, str))

    for node in nodes:
        add(*node.shape)
        if node.op in ("dim", "eye"):
            add(node.payload[0])
        if node.op in ("apply", "adjoint"):
            add(*node.payload[0].domain, *node.payload[0].codomain)
        if node.op in ("smooth", "smoothgrad"):
            add(*node.payload[0].shape)
    for declaration in scope.variables.values():
        if isinstance(declaration, tuple):
            add(*declaration)
        elif isinstance(declaration, FunctionSymbol):
            add(*declaration.shape)
        elif isinstance(declaration, OperatorSymbol):
            add(*declaration.domain, *declaration.codomain)
    return frozenset(found)


def _counted(nodes: Mapping[Term, None], used: Iterable[Any], sizes_of_settings: Set[str]) -> frozenset[str]:
    """The dimensions that are used as numbers, where no matrix of that size is."""
    sizes = sizes_of_settings | {size.name for o in used for size in sizes_of(o) if isinstance(size, sp.Symbol)}
    sizes |= {d.largest_rank.name for d in targets_in(used) if isinstance(d.largest_rank, sp.Symbol)}
    numbers = {node.payload[0] for node in nodes if node.op == "sym" and node.is_scalar}
    return frozenset(sizes & numbers)


def _bound(nodes: Mapping[Term, None], scope: _Scope, dims: frozenset[str], *, closed: bool) -> dict[str, Declaration]:
    bound = {n: d for n, d in scope.variables.items() if n not in dims}
    for node in nodes:
        match node.op:
            case "sym" if node.payload[0] != "·" and node.payload[0] not in dims:
                _use(bound, scope, node.payload[0], _declared(node), closed=closed)
            case "smooth" | "smoothgrad" if node.payload[0].body is None:
                _use(bound, scope, node.payload[0].name, node.payload[0], closed=closed)
            case "apply" | "adjoint":
                _use(bound, scope, node.payload[0].name, node.payload[0], closed=closed)
    return bound


def _use(bound: dict[str, Declaration], scope: _Scope, name: str, seen: Declaration, *, closed: bool) -> None:
    known = bound.get(name, scope.optional.get(name))
    if known is None:
        if closed and not (isinstance(seen, Domain) and seen.free):
            raise ClaimError(f"unknown symbol {name}: bind it, as in forall(..., {name}, given=..., then=...)")
        known = seen
    if isinstance(known, Domain) and isinstance(seen, Domain):
        known = known.meet(seen)
    if type(known) is not type(seen) or (not isinstance(known, Domain) and known != seen):
        raise ClaimError(f"the name {name} is used for two different things: rename one of them")
    bound[name] = known


def closure(given: Any, then: Any) -> Formula:
    """`forall` over every free symbol."""
    statements = _statements(given, "an assumption")
    return _elaborate(Quantifier.FORALL, _Scope(), statements, require_statement(then, "the goal"), closed=False)


def forall(*bound: Any, given: Any = (), then: Any = None) -> Formula:
    """For all instances of the bound variables (and all sizes): `given` implies `then`.

    Args:
        bound: settings, symbols, smooth functions, operators. Dimensions are bound by themselves.
        given: one or several statements.
        then: the conclusion, one statement or a list of them (all must hold).

    Raises:
        ClaimError: if a symbol is not bound, or `then` is not a statement.
    """
    if then is None:
        raise ClaimError("forall(...) has no conclusion: add then=...")
    scope = _Scope()
    scope.bind(bound)
    return _elaborate(
        Quantifier.FORALL,
        scope,
        _statements(given, "an assumption"),
        both(*_statements(then, "the conclusion")),
    )


def exists(*bound: Any, such_that: Any = (), witness: Any = None) -> Formula:
    """There is an instance (of some size) for which all statements hold.

    Args:
        bound: as in `forall`.
        such_that: one or several statements.
        witness: exact data for an instance, or the path of a certificate.
    """
    statements = _statements(such_that, "a condition")
    if not statements:
        raise ClaimError("exists(...) has no condition: add such_that=[...]")
    scope = _Scope()
    scope.bind(bound)
    return replace(_elaborate(Quantifier.EXISTS, scope, statements, None), witness=witness)


def always(process: Process, *, given: Any = (), then: Any = None) -> Formula:
    """At all times along a training process: `given`, about the start, implies `then`, about every state from there on.

    So `always(flow, given=equal(A.T * A, B.T * B), then=equal(A.T * A, B.T * B))` says that balance stays: in `given`, A and B
    are the start, which may be any that satisfies it unless the process has `start=...`; in `then` they are the state after
    0, 1, 2, … steps (or any time), at which `ddt(...)` and `after(...)` are taken too. What is to be assumed of each state
    anew belongs into the conclusion: `then=either(distinct(B, 0), equal(after(A), ...))`.

    Every free symbol is bound by itself; `ddt(...)` needs a flow, `after(...)` needs descent.
    """
    if not isinstance(process, Process):
        raise ClaimError("always(...) needs gradient_flow(...) or gradient_descent(...) first")
    if then is None:
        raise ClaimError("always(...) has no conclusion: add then=...")
    conclusion = both(*_statements(then, "the conclusion"))
    wrong = "after" if process.step is None else "ddt"
    for term in conclusion.terms():
        if any(node.op == wrong for node in walk(term)):
            right = "ddt(...)" if wrong == "after" else "after(...)"
            raise ClaimError(f"{wrong}(...) has no meaning along this process: use {right}")
    return _elaborate(Quantifier.ALWAYS, _Scope(), _statements(given, "an assumption"), conclusion, process, closed=False)
