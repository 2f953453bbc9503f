"""Claims of known truth as functions of their names: each symbol of the user's is a role, and `Named` gives it a name.

Main definitions: `Named`, `Base`, `base`, `BASES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from verify import *


@dataclass(frozen=True)
class Named:
    """Makes the symbols of a claim under the names of its roles; roles in `dummies` become SymPy dummies."""

    names: Mapping[str, str]
    dummies: frozenset[str] = frozenset()
    made: dict[str, Any] = field(default_factory=dict)

    def _symbol(self, role: str, **assumptions: bool) -> Any:
        kind = sp.Dummy if role in self.dummies else sp.Symbol
        return self.made.setdefault(role, kind(self.names[role], **assumptions))

    def dims(self, roles: str) -> Any:
        """Dimensions."""
        return [self._symbol(role, integer=True, positive=True) for role in roles.split()]

    def scalar(self, role: str, **assumptions: bool) -> Any:
        """A scalar, real unless said."""
        return self._symbol(role, **(assumptions or {"real": True}))

    def matrix(self, role: str, rows: Any, cols: Any) -> Any:
        """A matrix."""
        return sp.MatrixSymbol(self.names[role], rows, cols)

    def smooth(self, role: str, rows: Any, cols: Any) -> Any:
        """A C² function."""
        return smooth(self.names[role], (rows, cols))


@dataclass(frozen=True)
class Base:
    """A claim as a function of its names.

    Attributes:
        build: makes the claim of a `Named`.
        roles: role by kind: "dim", "scalar", "matrix", "function".
        true: its truth.
        beside: whether it has a setting's own symbols beside the user's, so that names may clash with those.
        costly: whether it needs second-order points, so that fewer renamings are tried.
    """

    build: Callable[[Named], Any]
    roles: Mapping[str, str]
    true: bool
    beside: bool = False
    costly: bool = False

    @property
    def name(self) -> str:
        """The function's name."""
        return self.build.__name__


BASES: list[Base] = []


def base(
    *,
    true: bool,
    dims: str = "",
    scalars: str = "",
    matrices: str = "",
    functions: str = "",
    beside: bool = False,
    costly: bool = False,
) -> Callable[[Callable[[Named], Any]], Callable[[Named], Any]]:
    """Register a claim with its roles by kind."""
    kinds = {"dim": dims, "scalar": scalars, "matrix": matrices, "function": functions}
    roles = {role: kind for kind, listed in kinds.items() for role in listed.split()}

    def register(build: Callable[[Named], Any]) -> Callable[[Named], Any]:
        BASES.append(Base(build, roles, true, beside, costly))
        return build

    return register


# Matrices and scalars --------------------------------------------------------------------------------------------------


@base(true=True, dims="m n", matrices="P Q")
def cauchy_schwarz(named):
    m, n = named.dims("m n")
    P, Q = named.matrix("P", m, n), named.matrix("Q", m, n)
    return forall(P, Q, then=le(inner(P, Q), frobenius(P) * frobenius(Q)))


@base(true=False, dims="m n", matrices="P Q", scalars="t")
def scaled_norms_are_equal(named):
    m, n = named.dims("m n")
    P, Q, t = named.matrix("P", m, n), named.matrix("Q", m, n), named.scalar("t")
    return forall(P, Q, t, then=equal(frobenius(t * P + Q), t * frobenius(P) + frobenius(Q)))


@base(true=True, dims="m n", matrices="P Q", scalars="t")
def trace_is_linear(named):
    m, n = named.dims("m n")
    P, Q, t = named.matrix("P", m, n), named.matrix("Q", n, m), named.scalar("t")
    return forall(P, Q, t, then=equal(trace(t * P * Q), t * trace(Q * P)))


@base(true=False, dims="n", matrices="K N")
def products_commute(named):
    (n,) = named.dims("n")
    K, N = named.matrix("K", n, n), named.matrix("N", n, n)
    return forall(K, N, then=equal(K * N, N * K))


@base(true=True, scalars="t u v")
def squares_are_above_products(named):
    t, u, v = (named.scalar(role) for role in "tuv")
    return forall(t, u, v, then=le(t * u + u * v + v * t, t**2 + u**2 + v**2))


@base(true=False, scalars="t u v")
def squares_are_far_above_products(named):
    t, u, v = (named.scalar(role) for role in "tuv")
    return forall(t, u, v, then=le(2 * (t * u + u * v + v * t), t**2 + u**2 + v**2))


@base(true=False, scalars="t u")
def two_numbers_are_equal(named):
    t, u = named.scalar("t"), named.scalar("u", positive=True)
    return forall(t, u, then=equal(t * u, u**2))


@base(true=False, dims="m n k", matrices="P W")
def sizes_are_equal(named):
    m, n, k = named.dims("m n k")
    P, W = named.matrix("P", m, n), named.matrix("W", n, k)
    return forall(P, W, then=le(rank(P * W) + m - k, rank(P)))


# Functions -------------------------------------------------------------------------------------------------------------


@base(true=True, dims="m n", matrices="P", functions="g")
def gradient_of_a_formula(named):
    m, n = named.dims("m n")
    P = named.matrix("P", m, n)
    g = function(lambda Y: trace(Y.T * Y), (m, n), name=named.names["g"])
    return forall(P, then=equal(g.grad(P), 2 * P))


@base(true=False, dims="m n", matrices="P D", functions="g h")
def gradient_of_a_formula_is_that_of_an_opaque_function(named):
    m, n = named.dims("m n")
    P, D = named.matrix("P", m, n), named.matrix("D", m, n)
    g, h = function(lambda Y: inner(Y, D), (m, n), name=named.names["g"]), named.smooth("h", m, n)
    return forall(h, P, D, then=equal(g.grad(P), h.grad(P)))


@base(true=True, dims="m n", matrices="P", scalars="x d")
def entries_by_outer_scalars(named):
    m, n = named.dims("m n")
    P, x, d = named.matrix("P", m, n), named.scalar("x"), named.scalar("d")
    return forall(P, x, d, then=equal(elementwise(lambda t: x * t + d, P), x * P + d * ones(m, n)))


@base(true=False, dims="m n", matrices="P", scalars="x")
def entries_replaced_by_an_outer_scalar(named):
    m, n = named.dims("m n")
    P, x = named.matrix("P", m, n), named.scalar("x")
    return forall(P, x, then=equal(elementwise(lambda t: x, P), elementwise(lambda t: t, P)))


# The LoRA loss by hand, in the user's own symbols -------------------------------------------------------------------------


def _loss(named):
    m, n, r = named.dims("m n r")
    P, Q, d = named.matrix("P", m, r), named.matrix("Q", n, r), named.scalar("d", nonnegative=True)
    g = named.smooth("g", m, n)
    return g(P * Q.T) + d / 2 * (frobenius(P) ** 2 + frobenius(Q) ** 2), g, P, Q, d


@base(true=True, dims="m n r", matrices="P Q", scalars="d", functions="g")
def balance(named):
    loss, g, P, Q, d = _loss(named)
    return forall(P, Q, d, g, given=[fosp(loss, of=[P, Q]), lt(0, d)], then=equal(P.T * P, Q.T * Q))


@base(true=False, dims="m n r", matrices="P Q", scalars="d", functions="g")
def balance_without_decay(named):
    loss, g, P, Q, d = _loss(named)
    return forall(P, Q, d, g, given=fosp(loss, of=[P, Q]), then=equal(P.T * P, Q.T * Q))


@base(true=True, dims="m n r", matrices="P Q", scalars="d", functions="g")
def imbalance_decays_along_flow(named):
    loss, _, P, Q, d = _loss(named)
    gap = P.T * P - Q.T * Q
    return always(gradient_flow(loss, of=[P, Q]), then=equal(ddt(gap), -2 * d * gap))


@base(true=False, dims="m n r", matrices="P Q", scalars="d e", functions="g")
def step_of_descent_without_decay(named):
    loss, g, P, Q, _ = _loss(named)
    e = named.scalar("e", positive=True)
    walk = gradient_descent(loss, step=e, of=[P, Q])
    return always(walk, then=equal(after(P), P - e * g.grad(P * Q.T) * Q))


@base(true=True, dims="m n r", matrices="P Q", scalars="d", functions="g", costly=True)
def gradient_of_rank_deficient_point(named):
    loss, g, P, Q, d = _loss(named)
    (_, _, r), update = named.dims("m n r"), P * Q.T
    return forall(P, Q, d, g, given=[sosp(loss, of=[P, Q]), lt(rank(update), r)], then=le(spectral(g.grad(update)), d))


@base(true=False, dims="m n r", matrices="P Q", scalars="d", functions="g", costly=True)
def gradient_of_second_order_point(named):
    loss, g, P, Q, d = _loss(named)
    return forall(P, Q, d, g, given=sosp(loss, of=[P, Q]), then=le(spectral(g.grad(P * Q.T)), d))


def _planted(named):
    loss, g, P, Q, d = _loss(named)
    m, n, r = named.dims("m n r")
    Y, T = named.matrix("Y", m, n), named.matrix("T", m, n)
    a, b = named.scalar("a", positive=True), named.scalar("b", positive=True)
    target = [regularized_stationary(g, d, Y, T), le(rank(Y), r)]
    spurious = [uniform_curvature(g, a, b), sosp(loss, of=[P, Q]), *target, distinct(P * Q.T, Y), lt(0, rank(Y))]
    return (P, Q, d, g, Y, T, a, b), spurious, P * Q.T, r


@base(true=True, dims="m n r", matrices="P Q Y T", scalars="d a b", functions="g", costly=True)
def spurious_point_is_large(named):
    symbols, spurious, update, r = _planted(named)
    Y, a, b = symbols[4], *symbols[6:]
    return forall(*symbols, given=spurious, then=le(a * sigma(Y, rank(Y)), b * sigma(update, r)))


@base(true=False, dims="m n r", matrices="P Q Y T", scalars="d a b", functions="g", costly=True)
def spurious_point_is_twice_as_large(named):
    symbols, spurious, update, r = _planted(named)
    Y, a, b = symbols[4], *symbols[6:]
    return forall(*symbols, given=spurious, then=le(2 * a * sigma(Y, rank(Y)), b * sigma(update, r)))


@base(true=True, dims="m n r", matrices="P Q Y T Z", scalars="d a b", functions="g", costly=True)
def confined_point_is_the_target(named):
    """Its radius is divided by the decay."""
    loss, g, *_, d = _loss(named)
    symbols, spurious, update, r = _planted(named)
    m, n = named.dims("m n")
    Y, a, b, Z = symbols[4], *symbols[6:], named.matrix("Z", m, r)
    start = g(zeros(m, n)) + d / 2 * frobenius(Z) ** 2
    radius = (g(zeros(m, n)) - g(update)) / d + frobenius(Z) ** 2 / 2
    confined = [lt(0, d), le(loss, start), lt(b * radius, a * r * sigma(Y, rank(Y)))]
    given = [assumed for assumed in spurious if assumed is not spurious[-2]]
    return forall(*symbols, Z, given=[*given, *confined], then=equal(update, Y))


@base(true=False, dims="m n r", matrices="P Q", scalars="d", functions="g", costly=True)
def gradient_vanishes_of_rank_deficient_point(named):
    loss, g, P, Q, d = _loss(named)
    (_, _, r), update = named.dims("m n r"), P * Q.T
    deficient = [sosp(loss, of=[P, Q]), lt(rank(update), r), lt(0, d)]
    return forall(P, Q, d, g, given=deficient, then=equal(g.grad(update) / d, 0))


@base(true=True, dims="m n r", matrices="P Q", scalars="d e", functions="g")
def balance_with_two_decays(named):
    m, n, r = named.dims("m n r")
    P, Q, g = named.matrix("P", m, r), named.matrix("Q", n, r), named.smooth("g", m, n)
    d, e = named.scalar("d", nonnegative=True), named.scalar("e", nonnegative=True)
    loss = g(P * Q.T) + d / 2 * frobenius(P) ** 2 + e / 2 * frobenius(Q) ** 2
    return forall(P, Q, d, e, g, given=fosp(loss, of=[P, Q]), then=equal(d * P.T * P, e * Q.T * Q))


@base(true=False, dims="m n r", matrices="P Q", scalars="d e c", functions="g", costly=True)
def gradient_le_decay_with_two_decays_and_scale(named):
    """It needs rank X < r, and the bound is √(de)/c."""
    m, n, r = named.dims("m n r")
    P, Q, g = named.matrix("P", m, r), named.matrix("Q", n, r), named.smooth("g", m, n)
    d, e, c = named.scalar("d", nonnegative=True), named.scalar("e", nonnegative=True), named.scalar("c", positive=True)
    loss = g(c * P * Q.T) + d / 2 * frobenius(P) ** 2 + e / 2 * frobenius(Q) ** 2
    given = [sosp(loss, of=[P, Q]), lt(rank(P * Q.T), r)]
    return forall(P, Q, d, e, c, g, given=given, then=le(c * spectral(g.grad(c * P * Q.T)), minimum(d, e)))


# Several adapters, and the setting with the user's symbols beside it -----------------------------------------------------


@base(true=True, dims="m n p k q o r t", matrices="A1 B1 A2 B2 E1 F1 E2 F2", scalars="d", functions="g")
def adapters_are_balanced(named):
    m, n, p, k, q, o, r, t = named.dims("m n p k q o r t")
    A1, B1 = named.matrix("A1", p, r), named.matrix("B1", k, r)
    A2, B2 = named.matrix("A2", q, t), named.matrix("B2", o, t)
    E1, F1, E2, F2 = named.matrix("E1", m, p), named.matrix("F1", n, k), named.matrix("E2", m, q), named.matrix("F2", n, o)
    d, g = named.scalar("d", nonnegative=True), named.smooth("g", m, n)
    factors = [A1, B1, A2, B2]
    loss = g(E1 * A1 * B1.T * F1.T + E2 * A2 * B2.T * F2.T) + d / 2 * sum(frobenius(factor) ** 2 for factor in factors)
    return forall(*factors, E1, F1, E2, F2, d, g, given=[fosp(loss, of=factors), lt(0, d)], then=equal(A2.T * A2, B2.T * B2))


@base(true=False, dims="m n p k q o r t", matrices="A1 B1 A2 B2 E1 F1 E2 F2", scalars="d", functions="g", costly=True)
def gradient_of_second_order_adapter(named):
    m, n, p, k, q, o, r, t = named.dims("m n p k q o r t")
    A1, B1 = named.matrix("A1", p, r), named.matrix("B1", k, r)
    A2, B2 = named.matrix("A2", q, t), named.matrix("B2", o, t)
    E1, F1, E2, F2 = named.matrix("E1", m, p), named.matrix("F1", n, k), named.matrix("E2", m, q), named.matrix("F2", n, o)
    d, g = named.scalar("d", nonnegative=True), named.smooth("g", m, n)
    factors, place = [A1, B1, A2, B2], E1 * A1 * B1.T * F1.T + E2 * A2 * B2.T * F2.T
    loss = g(place) + d / 2 * sum(frobenius(factor) ** 2 for factor in factors)
    apart = [equal(P.T * P, identity(P.shape[1])) for P in (E1, F1, E2, F2)] + [equal(E1.T * E2, 0), equal(F1.T * F2, 0)]
    bound = le(spectral(E1.T * g.grad(place) * F1), d)
    return forall(*factors, E1, F1, E2, F2, d, g, given=[sosp(loss, of=factors), *apart], then=bound)


@base(true=False, matrices="M", beside=True)
def any_matrix_beside_the_setting_has_small_rank(named):
    s = lora()
    M = named.matrix("M", s.m, s.n)
    return forall(s, M, then=le(rank(M + s.A * s.B.T), s.r))


@base(true=True, matrices="M", scalars="t", beside=True)
def numbers_beside_the_setting(named):
    s = lora()
    M, t = named.matrix("M", s.m, s.n), named.scalar("t")
    return forall(s, M, t, then=le(2 * t * inner(s.X, M), t**2 * frobenius(s.X) ** 2 + frobenius(M) ** 2))


@base(true=False, matrices="M", scalars="d", beside=True, costly=True)
def factorization_attains_its_target(named):
    s = lora()
    M, d = named.matrix("M", s.m, s.n), named.scalar("d", nonnegative=True)
    fit = lora(loss=lambda Y: frobenius(Y - M) ** 2 / 2, decay=d)
    return forall(fit, M, d, given=fit.sosp(), then=equal(fit.X, M))


@base(true=True, scalars="d c", beside=True, costly=True)
def gradient_of_rank_deficient_point_with_scale(named):
    d, c = named.scalar("d", nonnegative=True), named.scalar("c", positive=True)
    s = lora(decay=d, scale=c)
    given = [s.sosp(), lt(rank(s.A * s.B.T), s.r)]
    return forall(s, d, c, given=given, then=le(c * spectral(s.f.grad(s.X)), d))
