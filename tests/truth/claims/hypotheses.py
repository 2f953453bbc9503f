"""Assumptions: thin sets, impossible ones, ones that hold by cancellation only, and conclusions that are 0 = 0."""

from sympy import MatrixSymbol, Rational, cos, exp, sin, sqrt

from verify import *

from ..judging import CANDIDATE, HELD, PROVED, REFUTED, UNKNOWN, VACUOUS, false, true

m, n, p = dimensions("m n p")
P, Q = matrices("P Q", m, n)
W = MatrixSymbol("W", n, p)
K, N = matrices("K N", n, n)
u, v = matrices("u v", n, 1)
t, w, x = scalars("t w x")
eta = positives("η")
NOTHING = "no instance meets the assumptions"
THIN = "too few instances may be found on so thin a set"


# Impossible assumptions: everything follows, and nothing can be tested ---------------------------------------------------


@true(PROVED, VACUOUS, UNKNOWN, because=NOTHING, slow=True)
def commutator_is_the_identity():
    """tr(KN − NK) = 0 ≠ n: large K and N meet it only relative to KN."""
    return forall(K, N, given=equal(K * N - N * K, identity(n)), then=le(trace(K), 1))


@true(PROVED, VACUOUS, UNKNOWN, because=NOTHING, slow=True)
def commutator_is_the_identity_of_symmetric_ones():
    """The same, with an equality to conclude."""
    return forall(K, N, given=equal(K * N - N * K, identity(n)), then=equal(K, N.T))


@true(PROVED, VACUOUS, UNKNOWN, because=NOTHING)
def traces_of_a_product_in_two_orders_differ_by_one():
    """tr KN = tr NK."""
    return forall(K, N, given=equal(trace(K * N) - trace(N * K), 1), then=le(frobenius(K), frobenius(N)))


@true(PROVED, VACUOUS, UNKNOWN, because=NOTHING)
def norms_of_a_matrix_and_its_negative_differ():
    """‖−P‖ = ‖P‖."""
    return forall(P, given=lt(frobenius(P), nuclear(-P) - nuclear(P) + frobenius(-P)), then=equal(P, 0))


@true(PROVED, VACUOUS, UNKNOWN, because=NOTHING)
def squares_of_sine_and_cosine_add_up_to_two():
    """They add up to 1."""
    return forall(t, given=equal(sin(t) ** 2 + cos(t) ** 2, 2), then=le(t, 0))


@true(PROVED, VACUOUS, UNKNOWN, because=NOTHING)
def skew_matrix_with_trace_one():
    """Its trace is 0."""
    return forall(K, given=[equal(K.T, -K), equal(trace(K), 1)], then=le(frobenius(K), 1))


@true(PROVED, VACUOUS, UNKNOWN, because=NOTHING)
def exponential_below_its_tangent():
    """eᵗ ≥ 1 + t."""
    return forall(t, given=lt(exp(t), 1 + t), then=le(t, -5))


# Conclusions that are zero ---------------------------------------------------------------------------------------------


@true(PROVED, HELD, UNKNOWN, because="only P = 0 meets the assumption: few different instances, but the claim is not vacuous")
def matrix_vanishes_of_zero_gram_matrix():
    """‖P‖² = tr PᵀP."""
    return forall(P, given=equal(P.T * P, 0), then=equal(P, 0))


@true(PROVED, HELD, UNKNOWN, because="only P = Q meets the assumption")
def matrices_are_equal_of_zero_distance():
    """A norm separates points."""
    return forall(P, Q, given=equal(frobenius(P - Q), 0), then=equal(P, Q))


@true(PROVED, HELD, UNKNOWN, because="a nuclear norm of 0 is met by P = 0 only")
def matrix_vanishes_of_nuclear_norm_zero():
    """‖K‖_* ≤ 0 gives K = 0."""
    return forall(K, N, given=le(nuclear(K), 0), then=equal(K + N, N))


@true(HELD, PROVED, UNKNOWN, VACUOUS, because="0 = 0 up to rounding, whatever the columns are")
def determinant_of_a_matrix_of_rank_one_vanishes():
    """(1 + t)uvᵀ has rank at most 1 < n."""
    return forall(u, v, t, given=le(2, n), then=equal(det(u * v.T + t * u * v.T), 0))


@true(PROVED)
def quadratic_form_of_skew_matrix_vanishes():
    """uᵀKu is its own negative."""
    return forall(K, u, given=equal(K.T, -K), then=equal(inner(u, K * u), 0))


@true(PROVED)
def trace_of_skew_matrix_vanishes():
    """tr K = tr Kᵀ."""
    return forall(K, given=equal(K.T, -K), then=equal(trace(K), 0))


# Assumptions that are met on thin sets ------------------------------------------------------------------------------------


@true(PROVED)
def powers_of_commuting_matrices_commute():
    """K²N = KNK = NK²."""
    return forall(K, N, given=equal(K * N, N * K), then=equal(K * K * N, N * K * K))


@true(HELD, PROVED)
def orthogonal_columns_are_orthogonal_rows():
    """A left inverse of a square matrix is a right inverse."""
    return forall(K, given=equal(K.T * K, identity(n)), then=equal(K * K.T, identity(n)))


@true(HELD, PROVED)
def squared_determinant_of_orthogonal_is_one():
    """det KᵀK = (det K)²."""
    return forall(K, given=equal(K.T * K, identity(n)), then=equal(det(K) ** 2, 1))


@true(HELD, PROVED)
def distance_of_orthogonal_to_identity():
    """‖K − I‖² = 2n − 2 tr K."""
    return forall(K, given=equal(K.T * K, identity(n)), then=equal(frobenius(K - identity(n)) ** 2, 2 * n - 2 * trace(K)))


@true(HELD, PROVED, UNKNOWN, because="pairs of inverse matrices are hard to draw")
def left_inverse_is_right_inverse():
    """For square matrices."""
    return forall(K, N, given=equal(K * N, identity(n)), then=equal(N * K, identity(n)))


@true(HELD, PROVED, UNKNOWN, because="projections are hard to draw")
def symmetric_idempotent_is_positive_semidefinite():
    """xᵀKx = |Kx|²."""
    return forall(K, given=[equal(K, K.T), equal(K * K, K)], then=le(0, lambda_min(K)))


@true(HELD, PROVED)
def sum_on_the_unit_circle():
    """t + w ≤ √2."""
    return forall(t, w, given=equal(t**2 + w**2, 1), then=le(t + w, sqrt(2)))


@true(HELD, PROVED)
def inner_product_of_unit_columns():
    """Cauchy–Schwarz."""
    return forall(u, v, given=[equal(frobenius(u), 1), equal(frobenius(v), 1)], then=le(inner(u, v), 1))


@true(HELD, PROVED)
def square_of_a_small_step():
    """η² ≤ η/1000 for η ≤ 1/1000."""
    return forall(eta, given=le(eta, Rational(1, 1000)), then=le(1000 * eta**2, eta))


@true(HELD, PROVED)
def product_of_numbers_between_zero_and_one():
    """tw ≤ min(t, w) there."""
    box = [le(0, t), le(t, 1), le(0, w), le(w, 1)]
    return forall(t, w, given=box, then=le(t * w, minimum(t, w)))


# False ----------------------------------------------------------------------------------------------------------------


@false(REFUTED, CANDIDATE, UNKNOWN, because=THIN)
def sum_on_the_unit_circle_le_seven_fifths():
    """(20/29, 21/29): 41/29 > 1.4."""
    return forall(t, w, given=equal(t**2 + w**2, 1), then=le(t + w, Rational(7, 5)))


@false(REFUTED, CANDIDATE, UNKNOWN, because=THIN)
def sum_on_the_unit_sphere_le_seventeen_tenths():
    """At 1/√3 each it is √3 > 1.7."""
    return forall(t, w, x, given=equal(t**2 + w**2 + x**2, 1), then=le(t + w + x, Rational(17, 10)))


@false(REFUTED, CANDIDATE, UNKNOWN, because=THIN)
def product_on_an_ellipse():
    """t² + 4w² = 4 at (√2, 1/√2): tw = 1 > 9/10."""
    return forall(t, w, given=equal(t**2 + 4 * w**2, 4), then=le(t * w, Rational(9, 10)))


@false(REFUTED)
def inner_product_of_unit_columns_le_nine_tenths():
    """u = v = [1]."""
    return forall(u, v, given=[equal(frobenius(u), 1), equal(frobenius(v), 1)], then=le(inner(u, v), Rational(9, 10)))


@false(REFUTED)
def cube_root_is_smaller():
    """t = 8, w = 2."""
    return forall(t, w, given=equal(t, w**3), then=le(t, w))


@false(REFUTED)
def inverse_numbers_add_up_to_two():
    """−1 and −1."""
    return forall(t, w, given=equal(t * w, 1), then=le(2, t + w))


@false(REFUTED, CANDIDATE, UNKNOWN, because="far out on a thin set")
def positive_inverse_numbers_add_up_to_at_most_twenty():
    """100 and 1/100."""
    return forall(t, w, given=[equal(t * w, 1), lt(0, t)], then=le(t + w, 20))


@false(REFUTED, CANDIDATE, UNKNOWN, because="idempotents are hard to draw")
def idempotent_is_symmetric():
    """[1 1; 0 0]."""
    return forall(K, given=equal(K * K, K), then=equal(K, K.T))


@false(REFUTED, CANDIDATE, UNKNOWN, because="nilpotents are hard to draw")
def nilpotent_vanishes():
    """E₁₂."""
    return forall(K, given=equal(K * K, 0), then=equal(K, 0))


@false(REFUTED)
def orthogonal_has_determinant_one():
    """[−1]."""
    return forall(K, given=equal(K.T * K, identity(n)), then=equal(det(K), 1))


@false(REFUTED)
def orthogonal_is_symmetric():
    """A quarter turn."""
    return forall(K, given=equal(K.T * K, identity(n)), then=equal(K, K.T))


@false(REFUTED)
def commuting_with_one_is_symmetric():
    """N = 0, K = E₁₂."""
    return forall(K, N, given=equal(K * N, N * K), then=equal(K, K.T))


@false(REFUTED)
def vanishing_product_vanishes_in_the_other_order():
    """K = E₁₂, N = E₁₁."""
    return forall(K, N, given=equal(K * N, 0), then=equal(N * K, 0))


@false(REFUTED)
def factor_of_vanishing_product_vanishes():
    """P = [1 0], W = [0; 1]."""
    return forall(P, W, given=equal(P * W, 0), then=either(equal(P, 0), equal(W, 0)))


@false(REFUTED)
def singular_matrix_vanishes():
    """E₁₁."""
    return forall(K, given=equal(det(K), 0), then=equal(K, 0))


@false(REFUTED)
def matrix_with_trace_zero_is_skew():
    """diag(1, −1)."""
    return forall(K, given=equal(trace(K), 0), then=equal(K.T, -K))


@false(REFUTED)
def skew_matrix_is_singular():
    """A quarter turn; true for odd sizes."""
    return forall(K, given=equal(K.T, -K), then=equal(det(K), 0))


@false(REFUTED)
def equal_norms_are_equal_matrices():
    """[1] and [−1]."""
    return forall(P, Q, given=equal(frobenius(P), frobenius(Q)), then=equal(P, Q))


@false(REFUTED)
def equal_gram_matrices_are_equal_matrices():
    """[1] and [−1]."""
    return forall(P, Q, given=equal(P.T * P, Q.T * Q), then=equal(P, Q))


@false(REFUTED)
def square_of_a_small_step_le_a_ten_thousandth():
    """η = 1/1000."""
    return forall(eta, given=le(eta, Rational(1, 1000)), then=le(10_000 * eta, 9))


@false(REFUTED)
def unit_interval_is_closed_under_sums():
    """1 and 1."""
    box = [le(0, t), le(t, 1), le(0, w), le(w, 1)]
    return forall(t, w, given=box, then=le(t + w, 1))


@false(REFUTED)
def small_norm_is_zero():
    """P = [1/1000]: its norm is above 0."""
    return forall(P, given=le(frobenius(P), Rational(1, 1000)), then=equal(P, 0))


@false(REFUTED)
def either_side_of_a_gap():
    """t = 1/2."""
    return forall(t, given=[le(0, t), le(t, 1)], then=either(le(3 * t, 1), le(2, 3 * t)))
