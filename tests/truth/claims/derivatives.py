"""Gradients and Hessians of formulas: logarithms of determinants, inverses, kinks, entrywise functions."""

from sympy import Abs, exp, sign, tanh

from verify import *

from ..judging import CANDIDATE, ERROR, HELD, PROVED, REFUTED, UNKNOWN, false, true

m, n = dimensions("m n")
P, Q, Z = matrices("P Q Z", m, n)
K, N, U = matrices("K N U", n, n)
shape, square = (m, n), (n, n)
INVERSES = "the kernel may know no derivative of inverses and determinants"
regular = distinct(det(K), 0)


def total(matrix):
    """The sum of all entries."""
    return trace(ones(m, 1).T * matrix * ones(n, 1))


def gram(Y):
    """I + YᵀY."""
    return identity(n) + Y.T * Y


huber = function(lambda Y: total(elementwise(lambda t: t**2 / 2 - maximum(Abs(t) - 2, 0) ** 2 / 2, Y)), shape, name="huber")
hinge = function(lambda Y: total(elementwise(lambda t: maximum(t - 5, 0) ** 2, Y)), shape, name="hinge")
softly = function(lambda Y: total(elementwise("softplus", Y)), shape, name="softly")
volume = function(lambda Y: logdet(gram(Y)), shape, name="volume")
resolvent = function(lambda Y: trace(inverse(gram(Y))), shape, name="resolvent")
quartic = function(lambda Y: trace(Y.T * Y) ** 2, shape, name="quartic")
rows = function(lambda Y: trace(ones(m, 1).T * logsumexp(Y)), shape, name="rows")
H = operator("H", shape)


@true(PROVED, HELD)
def gradient_of_quartic():
    """∇‖Y‖⁴ = 4‖Y‖²Y."""
    return forall(P, then=equal(quartic.grad(P), 4 * frobenius(P) ** 2 * P))


@true(PROVED, HELD)
def hessian_of_quartic():
    """4‖P‖²‖Z‖² + 8⟨P, Z⟩²."""
    return forall(P, Z, then=equal(quartic.hess(P)(Z, Z), 4 * frobenius(P) ** 2 * frobenius(Z) ** 2 + 8 * inner(P, Z) ** 2))


@true(HELD, PROVED)
def gradient_of_logdet():
    """∇ log det(I + YᵀY) = 2Y(I + YᵀY)⁻¹."""
    return forall(P, then=equal(volume.grad(P), 2 * P * inverse(gram(P))))


@true(HELD, PROVED)
def gradient_of_trace_of_inverse():
    """∇ tr(I + YᵀY)⁻¹ = −2Y(I + YᵀY)⁻²."""
    return forall(P, then=equal(resolvent.grad(P), -2 * P * inverse(gram(P)) * inverse(gram(P))))


@true(HELD, PROVED)
def gradient_of_softplus_is_sigmoid():
    """Entry by entry."""
    return forall(P, then=equal(softly.grad(P), sigmoid(P)))


@true(HELD, PROVED)
def gradient_of_logsumexp_is_softmax():
    """Row by row."""
    return forall(P, then=equal(rows.grad(P), softmax(P)))


@true(HELD, PROVED)
def gradient_of_huber_clips():
    """t − sign(t)(|t| − 2)₊, entry by entry."""
    return forall(P, then=equal(huber.grad(P), elementwise(lambda t: t - sign(t) * maximum(Abs(t) - 2, 0), P)))


@true(HELD, PROVED)
def gradient_of_huber_is_the_clipped_value():
    """max(min(t, 2), −2), entry by entry."""
    return forall(P, then=equal(huber.grad(P), elementwise(lambda t: maximum(minimum(t, 2), -2), P)))


@true(HELD, PROVED)
def gradient_of_squared_hinge():
    """2(t − 5)₊, entry by entry."""
    return forall(P, then=equal(hinge.grad(P), elementwise(lambda t: 2 * maximum(t - 5, 0), P)))


@true(HELD, PROVED)
def gradient_of_quadratic_form_of_an_operator():
    """H is symmetric: ∇½⟨Y, H(Y)⟩ = H(Y)."""
    bent = function(lambda Y: inner(Y, H(Y)) / 2, shape, name="bent")
    return forall(P, H, then=equal(bent.grad(P), H(P)))


@true(HELD, PROVED)
def derivative_of_determinant():
    """Jacobi: D det K [U] = det K · tr(K⁻¹U)."""
    return forall(K, U, given=regular, then=equal(derivative(det(K), {K: U}), det(K) * trace(inverse(K) * U)))


@true(HELD, PROVED)
def gradient_of_logdet_of_gram_matrix():
    """∇ log det YᵀY = 2Y(YᵀY)⁻¹ where YᵀY is regular."""
    inside = function(lambda Y: logdet(Y.T * Y), shape, name="inside")
    return forall(P, given=distinct(det(P.T * P), 0), then=equal(inside.grad(P), 2 * P * inverse(P.T * P)))


@true(HELD, PROVED)
def hessian_is_symmetric():
    """Of every C² function."""
    f = smooth("f", shape)
    return forall(f, P, Q, Z, then=equal(f.hess(P)(Q, Z), f.hess(P)(Z, Q)))


@true(HELD, PROVED)
def huber_le_half_of_square():
    """What is subtracted is a square."""
    return forall(P, then=le(huber(P), frobenius(P) ** 2 / 2))


@true(PROVED, HELD)
def derivative_of_inverse_times_itself():
    """tr(K⁻¹K) = n does not change: −tr(K⁻¹UK⁻¹K) + tr(K⁻¹U) = 0."""
    change = -inverse(K) * U * inverse(K) * K + inverse(K) * U
    return forall(K, U, given=regular, then=equal(trace(change), 0))


# False ----------------------------------------------------------------------------------------------------------------


@false(REFUTED)
def gradient_of_quartic_with_half_the_factor():
    """P = [1]: 4 ≠ 2."""
    return forall(P, then=equal(quartic.grad(P), 2 * frobenius(P) ** 2 * P))


@false(REFUTED)
def hessian_of_quartic_without_inner_product():
    """P = Z = [1]: 12 ≠ 4."""
    return forall(P, Z, then=equal(quartic.hess(P)(Z, Z), 4 * frobenius(P) ** 2 * frobenius(Z) ** 2))


@false(REFUTED, CANDIDATE, because=INVERSES)
def gradient_of_logdet_with_wrong_sign():
    """P = [1]: 1 ≠ −1."""
    return forall(P, then=equal(volume.grad(P), -2 * P * inverse(gram(P))))


@false(REFUTED, CANDIDATE, because=INVERSES)
def gradient_of_logdet_without_factor_two():
    """P = [1]: 1 ≠ 1/2."""
    return forall(P, then=equal(volume.grad(P), P * inverse(gram(P))))


@false(REFUTED, CANDIDATE, because=INVERSES)
def gradient_of_trace_of_inverse_with_wrong_sign():
    """P = [1]: −1/2 ≠ 1/2."""
    return forall(P, then=equal(resolvent.grad(P), 2 * P * inverse(gram(P)) * inverse(gram(P))))


@false(REFUTED, CANDIDATE, because=INVERSES)
def gradient_of_trace_of_inverse_with_one_inverse():
    """P = [1]: −1/2 ≠ −1."""
    return forall(P, then=equal(resolvent.grad(P), -2 * P * inverse(gram(P))))


@false(REFUTED, CANDIDATE, because=INVERSES)
def gradient_of_logdet_of_square_matrix_without_transpose():
    """K = [1 1; 0 1]: the gradient is K⁻ᵀ."""
    size = function(lambda Y: logdet(Y.T * Y) / 2, square, name="size")
    return forall(K, given=regular, then=equal(size.grad(K), inverse(K)))


@false(REFUTED, CANDIDATE, because=INVERSES)
def gradient_of_logdet_of_gram_matrix_without_factor_two():
    """P = [1]: 2 ≠ 1."""
    inside = function(lambda Y: logdet(Y.T * Y), shape, name="inside")
    return forall(P, given=distinct(det(P.T * P), 0), then=equal(inside.grad(P), P * inverse(P.T * P)))


@false(REFUTED, CANDIDATE, because=INVERSES)
def derivative_of_determinant_without_determinant():
    """K = [2], U = [1]: 1 ≠ 1/2."""
    return forall(K, U, given=regular, then=equal(derivative(det(K), {K: U}), trace(inverse(K) * U)))


@false(REFUTED, CANDIDATE, because=INVERSES)
def derivative_of_determinant_with_transposed_inverse():
    """K = [1 1; 0 1], U = E₁₂: tr(K⁻¹U) = 0, and tr(K⁻ᵀU) = −1."""
    return forall(K, U, given=regular, then=equal(derivative(det(K), {K: U}), det(K) * trace(inverse(K).T * U)))


@false(REFUTED)
def gradient_of_huber_is_that_of_the_square():
    """P = [3]: 2 ≠ 3."""
    return forall(P, then=equal(huber.grad(P), P))


@false(REFUTED)
def huber_is_half_of_square():
    """P = [3]: 4 ≠ 9/2."""
    return forall(P, then=equal(huber(P), frobenius(P) ** 2 / 2))


@false(REFUTED)
def gradient_of_squared_hinge_vanishes():
    """P = [6]: 2 ≠ 0."""
    return forall(P, then=equal(hinge.grad(P), 0))


@false(REFUTED)
def gradient_of_squared_hinge_without_kink():
    """P = [0]: 0 ≠ −10."""
    return forall(P, then=equal(hinge.grad(P), 2 * P - 10 * ones(m, n)))


@false(REFUTED)
def huber_has_gradient_of_norm_le_frobenius_half():
    """P = [1]: 1 > 1/2."""
    return forall(P, then=le(frobenius(huber.grad(P)), frobenius(P) / 2))


@false(REFUTED)
def gradient_of_huber_with_another_threshold():
    """P = [3]: 2 ≠ 1; the same as the true one for entries below 1."""
    return forall(P, then=equal(huber.grad(P), elementwise(lambda t: t - sign(t) * maximum(Abs(t) - 1, 0), P)))


@false(REFUTED)
def gradient_of_softplus_is_squared_sigmoid():
    """P = [0]: 1/2 ≠ 1/4."""
    return forall(P, then=equal(softly.grad(P), elementwise(lambda t: 1 / (1 + exp(-t)) ** 2, P)))


@false(REFUTED)
def gradient_of_logsumexp_is_uniform():
    """[0 1]: 1/(1 + e) ≠ 1/2."""
    return forall(P, then=equal(n * rows.grad(P), ones(m, n)))


@false(REFUTED)
def gradient_of_a_form_of_any_operator_is_its_value():
    """H(Y₁, Y₂) = (Y₂, 0): the gradient is half the sum with the adjoint."""
    any_map = operator("H", shape, symmetric=False)
    bent = function(lambda Y: inner(Y, any_map(Y)) / 2, shape, name="bent")
    return forall(P, any_map, then=equal(bent.grad(P), any_map(P)))


@false(REFUTED)
def adjoint_of_any_operator_is_itself():
    """H(Y₁, Y₂) = (Y₂, 0)."""
    any_map = operator("H", shape, symmetric=False)
    return forall(P, Q, any_map, then=equal(inner(any_map(P), Q), inner(P, any_map(Q))))


@false(REFUTED)
def point_and_direction_of_a_hessian_can_be_exchanged():
    """f = y³/6: yzw is symmetric, but f = y⁴/12 has y²zw."""
    f = smooth("f", shape)
    return forall(f, P, Q, Z, then=equal(f.hess(P)(Q, Z), f.hess(Q)(P, Z)))


@false(REFUTED)
def derivative_of_squared_norm_without_factor_two():
    """K = U = [1]: 2 ≠ 1."""
    return forall(P, Q, then=equal(derivative(trace(P.T * P), {P: Q}), inner(P, Q)))


@false(REFUTED)
def second_derivative_of_cube():
    """K = U = [1]: 6 ≠ 3."""
    return forall(K, U, then=equal(derivative(trace(K * K * K), {K: U}, order=2), 3 * trace(K * U * U)))


@false(REFUTED, CANDIDATE, because=INVERSES)
def derivative_of_inverse_without_sign():
    """K = U = [1]: −1 ≠ 1."""
    change = trace(inverse(K) * U * inverse(K))
    return forall(K, U, given=regular, then=equal(derivative(trace(inverse(K)), {K: U}), change))


@false(REFUTED)
def gradient_of_entrywise_tanh_is_one_minus_tanh():
    """P = [1]: 1 − tanh² ≠ 1 − tanh."""
    bounded = function(lambda Y: total(elementwise(tanh, Y)), shape, name="bounded")
    return forall(P, then=equal(bounded.grad(P), ones(m, n) - elementwise(tanh, P)))


@false(REFUTED, CANDIDATE, UNKNOWN, ERROR, because="the maximum has no derivative where the two entries are equal")
def gradient_of_the_larger_of_two_squares():
    """P = [2], against the constant 1: the gradient is 4, not 0."""
    larger = function(lambda Y: maximum(frobenius(Y) ** 2, 1), shape, name="larger")
    return forall(P, then=equal(larger.grad(P), 0))
