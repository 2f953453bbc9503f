"""What exists, and what does not: a claim that something exists cannot be refuted by search, so UNKNOWN is the best answer."""

from sympy import sqrt

from verify import *

from ..judging import PROVED, UNKNOWN, VACUOUS, false, true

m, n = dimensions("m n")
P, Q = matrices("P Q", m, n)
K, N = matrices("K N", n, n)
t, u = scalars("t u")
s = lora()
A, B, X, f, lam = s.A, s.B, s.X, s.f, s.decay
Xs, S = s.regularized_stationary()
SEARCHED = "no search can exclude that something exists"


@true(PROVED)
def nilpotent_given():
    """E₁₂."""
    return exists(K, such_that=[equal(K * K, 0), distinct(K, 0)], witness={K: [[0, 1], [0, 0]]})


@true(PROVED)
def root_of_minus_identity_given():
    """A quarter turn."""
    return exists(K, such_that=equal(K * K, -identity(n)), witness={K: [[0, -1], [1, 0]]})


@true(PROVED)
def oblique_projection_given():
    """[1 1; 0 0]."""
    return exists(K, such_that=[equal(K * K, K), distinct(K, K.T)], witness={K: [[1, 1], [0, 0]]})


@true(PROVED)
def product_of_symmetric_that_is_not():
    """[0 1; 1 0] and diag(1, 0)."""
    given = {K: [[0, 1], [1, 0]], N: [[1, 0], [0, 0]]}
    return exists(K, N, such_that=[equal(K, K.T), equal(N, N.T), distinct(K * N, (K * N).T)], witness=given)


@true(PROVED, UNKNOWN, because=SEARCHED)
def number_that_is_twice_its_square():
    """2."""
    return exists(t, such_that=[equal(t**2, 2 * t), distinct(t, 0)])


@true(PROVED, UNKNOWN, because=SEARCHED)
def sum_of_rank_two():
    """E₁₁ and E₂₂."""
    return exists(P, Q, such_that=[equal(rank(P), 1), equal(rank(Q), 1), equal(rank(P + Q), 2)])


@true(PROVED)
def saddle_given():
    """f = ½(Y − 2)², the origin."""
    witness = {A: [[0]], B: [[0]], lam: 1, f: lambda Y: frobenius(Y) ** 2 / 2 - 2 * Y[0, 0]}
    return exists(s, such_that=[s.fosp(), lt(lam, spectral(f.grad(X)))], witness=witness)


@true(PROVED)
def unbalanced_stationary_point_given():
    """λ = 0, f = 0."""
    return exists(
        s, such_that=[s.fosp(), distinct(A.T * A, B.T * B)], witness={A: [[1]], B: [[0]], lam: 0, f: lambda Y: 0 * Y[0, 0]}
    )


@false(UNKNOWN, VACUOUS, because=SEARCHED)
def nuclear_norm_below_frobenius():
    """Σσ ≥ √Σσ²."""
    return exists(P, such_that=lt(nuclear(P), frobenius(P)))


@false(UNKNOWN, VACUOUS, because=SEARCHED)
def commutator_that_is_the_identity():
    """The trace."""
    return exists(K, N, such_that=equal(K * N - N * K, identity(n)))


@false(UNKNOWN, VACUOUS, because=SEARCHED)
def orthogonal_with_larger_trace_than_size():
    """|K_ii| ≤ 1."""
    return exists(K, such_that=[equal(K.T * K, identity(n)), lt(n, trace(K))])


@false(UNKNOWN, VACUOUS, because=SEARCHED)
def unbalanced_stationary_point_with_decay():
    """Balance."""
    return exists(s, such_that=[s.fosp(), lt(0, lam), distinct(A.T * A, B.T * B)])


@false(UNKNOWN, VACUOUS, because=SEARCHED)
def spurious_point_at_kappa_five_halves():
    """Theorem D: κ ≥ 3."""
    return exists(s, Xs, such_that=[uniform_curvature(f, 2, 5), s.sosp(), distinct(X, Xs)])


@false(UNKNOWN, VACUOUS, because=SEARCHED)
def real_root_of_minus_one():
    """t² ≥ 0."""
    return exists(t, such_that=equal(t**2, -1))


@false(UNKNOWN, VACUOUS, because=SEARCHED)
def rank_above_height():
    """rank P ≤ m."""
    return exists(P, such_that=lt(m, rank(P)))


@false(UNKNOWN, VACUOUS, because=SEARCHED)
def numbers_each_below_the_other():
    """Order is antisymmetric."""
    return exists(t, u, such_that=[lt(t, u), lt(u, t)])


@false(UNKNOWN, VACUOUS, because=SEARCHED)
def regular_nilpotent():
    """(det K)² = det K² = 0."""
    return exists(K, such_that=[equal(K * K, 0), distinct(det(K), 0)])


@false(UNKNOWN, VACUOUS, because=SEARCHED)
def number_above_the_root_of_its_square():
    """√t² = |t| ≥ t."""
    return exists(t, such_that=lt(sqrt(t**2), t))


@false(UNKNOWN, VACUOUS, because=SEARCHED)
def wrong_witness_of_a_symmetric_square_root_of_minus_identity():
    """K² = KKᵀ ⪰ 0 for symmetric K; the witness given is a quarter turn, which is not symmetric."""
    return exists(K, such_that=[equal(K * K, -identity(n)), equal(K, K.T)], witness={K: [[0, -1], [1, 0]]})


@false(UNKNOWN, VACUOUS, because=SEARCHED)
def rank_deficient_point_with_large_gradient():
    """Theorem A; the witness given is only first-order: f = ½(Y − 2)², the origin, λ = 1."""
    witness = {A: [[0]], B: [[0]], lam: 1, f: lambda Y: frobenius(Y) ** 2 / 2 - 2 * Y[0, 0]}
    return exists(s, such_that=[s.sosp(), lt(rank(X), s.r), lt(lam, spectral(f.grad(X)))], witness=witness)
