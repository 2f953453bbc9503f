"""One name, one object: default names, captured variables, `Dummy` pairs, letters of the setting for other things."""

import itertools
import random

import sympy as sp
from sympy import Dummy, MatrixSymbol, Symbol

from verify import *

from ..judging import ERROR, HELD, PROVED, REFUTED, false, true

s = lora()
m, n, r = dimensions("m n r")
P, Q = matrices("P Q", m, n)
K = MatrixSymbol("K", n, n)
x, d = scalars("x d")
TWO_THINGS = "one name stands for two things: that may be refused"
squared = function(lambda Y: trace(Y.T * Y), (s.m, s.n))
"""Its default name is that of the setting's f."""
update = s.A * s.B.T


@true(PROVED)
def gradient_of_a_function_with_the_default_name():
    """∇tr(YᵀY) = 2Y, whatever the setting's f is."""
    return forall(s, given=s.fosp(), then=equal(squared.grad(s.X), 2 * s.X))


@true(HELD, PROVED)
def elementwise_multiple_by_an_outer_scalar():
    """x·A_ij."""
    return forall(P, x, then=equal(elementwise(lambda t: t * x, P), x * P))


@true(HELD, PROVED)
def applyfunc_multiple_by_an_outer_scalar():
    """The same, by SymPy's own applyfunc."""
    return forall(P, d, then=equal(P.applyfunc(lambda t: d * t), d * P))


@true(HELD, PROVED)
def elementwise_constant_is_a_multiple_of_ones():
    """Every entry becomes x."""
    return forall(P, x, then=equal(elementwise(lambda t: x, P), x * ones(m, n)))


@true(HELD, PROVED)
def nested_elementwise_functions_capture_outer_ones():
    """(t + x)² = t² + 2xt + x²."""
    square = elementwise(lambda t: t**2, elementwise(lambda t: t + x, P))
    return forall(P, x, then=equal(square, elementwise(lambda t: t**2 + 2 * x * t + x**2, P)))


@true(HELD, PROVED)
def two_functions_of_one_default_name_differ():
    """∇(2‖Y‖²) = 2∇‖Y‖²."""
    one, two = (function(lambda Y, c=c: c * trace(Y.T * Y), (m, n)) for c in (1, 2))
    return forall(P, then=equal(two.grad(P), 2 * one.grad(P)))


@true(HELD, PROVED)
def decay_called_mu():
    """Theorem A does not depend on a letter: at a rank-deficient second-order point ⟨G, X⟩ ≤ 0."""
    named = lora(decay=Symbol("μ", nonnegative=True))
    return forall(named, given=[named.sosp(), lt(rank(named.X), named.r)], then=le(inner(named.f.grad(named.X), named.X), 0))


@true(HELD, PROVED, slow=True)
def scale_and_decay_with_exchanged_letters():
    """With scale "λ" and decay "s": at a rank-deficient second-order point scale·‖G‖ ≤ 2·decay, as it is ≤ decay."""
    c, decay = Symbol("λ", positive=True), Symbol("s", nonnegative=True)
    named = lora(scale=c, decay=decay)
    deficient = [named.sosp(), lt(rank(s.A * s.B.T), named.r)]
    return forall(named, given=deficient, then=le(c * spectral(named.f.grad(named.X)), 2 * decay))


@true(HELD, PROVED)
def letters_of_the_setting_for_other_matrices():
    """⟨A, B⟩ ≤ ‖A‖‖B‖_* for two matrices of one shape that are no factors."""
    a, b = matrices("A B", m, n)
    return forall(a, b, then=le(inner(a, b), spectral(a) * nuclear(b)))


@true(HELD, PROVED)
def sum_of_letters_of_the_setting():
    """(λ + s + f + r)² ≤ 4(λ² + s² + f² + r²) for four real numbers."""
    four = sp.symbols("λ s f r", real=True)
    return forall(*four, then=le(sum(four) ** 2, 4 * sum(number**2 for number in four)))


@true(PROVED)
def balance_by_hand_in_other_letters():
    """BᵀB from ∇_A and AᵀA from ∇_B, with the decay called S and the factors called f and X⋆."""
    left, right, decay = MatrixSymbol("f", m, r), MatrixSymbol("X⋆", n, r), Symbol("S", positive=True)
    h = smooth("λ", (m, n))
    loss = h(left * right.T) + decay / 2 * (frobenius(left) ** 2 + frobenius(right) ** 2)
    return forall(left, right, decay, h, given=fosp(loss, of=[left, right]), then=equal(left.T * left, right.T * right))


@true(HELD, PROVED)
def variable_of_a_lambda_beside_a_scalar_of_its_name():
    """The x inside the Lambda is bound there."""
    return forall(P, x, then=equal(x * P.applyfunc(sp.Lambda(x, 2 * x)), 2 * x * P))


@true(HELD, PROVED)
def matrix_with_symbols_as_entries():
    """det [x 1; −1 x] = x² + 1."""
    turned = sp.Matrix([[x, 1], [-1, x]])
    return forall(x, then=equal(det(turned), x**2 + 1))


@true(PROVED, HELD)
def formula_that_uses_another_formula():
    """∇(‖Y‖² + 3 tr(YᵀY)) = 8Y."""
    inside = function(lambda Y: frobenius(Y) ** 2, (m, n))
    outside = function(lambda Y: inside(Y) + 3 * trace(Y.T * Y), (m, n))
    return forall(P, then=equal(outside.grad(P), 8 * P))


# False ----------------------------------------------------------------------------------------------------------------


@false(REFUTED)
def constant_function_is_the_identity():
    """A = [1], x = 0."""
    return forall(P, x, then=equal(elementwise(lambda t: x, P), elementwise(lambda t: t, P)))


@false(REFUTED)
def applyfunc_of_a_captured_scalar_is_the_identity():
    """A = [1], d = 0."""
    return forall(P, d, then=equal(P.applyfunc(lambda t: d), P))


@false(REFUTED)
def applyfunc_multiple_is_the_identity():
    """A = [1], d = 0."""
    return forall(P, d, then=equal(P.applyfunc(lambda t: d * t), P))


@false(REFUTED)
def elementwise_shift_doubles():
    """A = [1], x = 0: 1 ≠ 2."""
    return forall(P, x, then=equal(elementwise(lambda t: t + x, P), 2 * P))


@false(REFUTED)
def inner_elementwise_variable_is_the_outer_one():
    """A = [1], x = 0: (1 + 0)² ≠ (2·1)²."""
    return forall(
        P, x, then=equal(elementwise(lambda t: t**2, elementwise(lambda t: t + x, P)), elementwise(lambda t: 4 * t**2, P))
    )


@false(REFUTED)
def scalar_called_x_is_the_variable_of_elementwise():
    """A = [1], x = 0: the verifier's own variable may have any name."""
    outer = Symbol("x", real=True)
    return forall(P, outer, then=equal(elementwise(sp.tanh, outer * P), elementwise(lambda t: sp.tanh(t**2), P)))


@false(REFUTED, ERROR, because="an elementwise function of entries may be refused")
def captured_matrix_entry_is_the_variable():
    """P = [1 2], every entry plus P_11: [2 3] ≠ [2 4]."""
    return forall(P, then=equal(elementwise(lambda t: t + entry(P, 0, 0), P), 2 * P))


@false(REFUTED)
def gradient_of_a_formula_is_that_of_the_setting():
    """f = 0, X = [1]: 2 ≠ 0."""
    return forall(s, given=s.fosp(), then=equal(squared.grad(s.X), s.f.grad(s.X)))


@false(REFUTED)
def value_of_a_formula_is_that_of_the_setting():
    """f = 0, X = [1]: 1 ≠ 0."""
    return forall(s, then=equal(squared(s.X), s.f(s.X)))


@false(REFUTED)
def hessian_of_a_formula_is_that_of_the_setting():
    """f = 0: 2‖X‖² ≠ 0."""
    return forall(s, then=equal(squared.hess(s.X)(s.X, s.X), s.f.hess(s.X)(s.X, s.X)))


@false(REFUTED)
def loss_of_a_setting_with_a_formula_is_that_of_one_without():
    """f = 0, M = 1, X = 0: 0 ≠ ½."""
    M = MatrixSymbol("M", s.m, s.n)
    fit = lora(loss=lambda Y: frobenius(Y - M) ** 2 / 2)
    return forall(fit, s, M, then=equal(fit.L, s.L))


@false(REFUTED)
def gradients_of_two_settings_with_formulas_are_equal():
    """X = 1: 1 ≠ 2."""
    one, two = lora(loss=lambda Y: frobenius(Y) ** 2 / 2), lora(loss=lambda Y: frobenius(Y) ** 2)
    return forall(one, two, then=equal(one.f.grad(one.X), two.f.grad(two.X)))


@false(REFUTED)
def variable_of_a_lambda_is_the_scalar_of_its_name():
    """P = 1, x = 0: 2 ≠ 0."""
    return forall(P, x, then=equal(P.applyfunc(sp.Lambda(x, 2 * x)), 2 * x * P))


@false(REFUTED)
def elementwise_lambda_with_the_scalar_of_its_name_squared():
    """P = 1, x = 2: 1 ≠ 4."""
    return forall(P, x, then=equal(elementwise(sp.Lambda(x, x**2), P), x**2 * P))


@false(REFUTED)
def formula_that_uses_another_formula_is_the_other():
    """Y = 1: 8 ≠ 2."""
    inside = function(lambda Y: frobenius(Y) ** 2, (m, n))
    outside = function(lambda Y: inside(Y) + 3 * trace(Y.T * Y), (m, n))
    return forall(P, then=equal(outside.grad(P), inside.grad(P)))


@false(ERROR, REFUTED, because=TWO_THINGS)
def parameters_of_one_name_and_two_ranges():
    """2 and −1."""
    large, small = parameter("c", above=1), parameter("c", below=0)
    return forall(x, then=le(large + x**2, small + x**2 + 1))


@false(ERROR, REFUTED, because=TWO_THINGS)
def direction_of_a_derivative_for_another_matrix_of_the_name():
    """Of P, m×n, not of the P that is n×m."""
    other = MatrixSymbol("P", n, m)
    return forall(P, other, Q, then=equal(derivative(trace(P.T * P), {other: Q.T}), 0))


@false(REFUTED)
def two_formulas_of_one_default_name_are_equal():
    """Y = [1]: 2 ≠ 4."""
    one, two = (function(lambda Y, c=c: c * trace(Y.T * Y), (m, n)) for c in (1, 2))
    return forall(P, then=equal(one.grad(P), two.grad(P)))


@false(REFUTED)
def two_formulas_of_one_given_name_have_equal_hessians():
    """Y = [1]: 2 ≠ 12."""
    one = function(lambda Y: frobenius(Y) ** 2, (m, n), name="g")
    two = function(lambda Y: frobenius(Y) ** 4, (m, n), name="g")
    return forall(P, then=equal(one.hess(P)(P, P), two.hess(P)(P, P)))


@false(REFUTED, ERROR, because=TWO_THINGS)
def two_dummies_of_one_name_are_equal():
    """0 and 1."""
    one, two = Dummy("x", real=True), Dummy("x", real=True)
    return forall(one, two, then=equal(one, two))


@false(REFUTED, ERROR, because=TWO_THINGS)
def two_positive_dummies_of_one_name_have_bounded_ratio():
    """1 and 2."""
    one, two = Dummy("x", positive=True), Dummy("x", positive=True)
    return forall(one, two, then=le(two, one))


@false(REFUTED, ERROR, because=TWO_THINGS)
def two_dummy_dimensions_of_one_name_are_equal():
    """Identities of sizes 1 and 2."""
    one, two = (Dummy("n", integer=True, positive=True) for _ in range(2))
    a, b = MatrixSymbol("P", one, one), MatrixSymbol("Q", two, two)
    return forall(a, b, then=equal(trace(identity(one)), trace(identity(two))))


@false(REFUTED, ERROR, because=TWO_THINGS)
def dummy_beside_a_symbol_of_its_name():
    """x = 0, the dummy 1."""
    other = Dummy("x", real=True)
    return forall(x, other, then=le(other * x, x**2))


@false(ERROR, because=TWO_THINGS)
def real_and_positive_symbol_of_one_name_are_equal():
    """−1 and 1."""
    real, positive = Symbol("x", real=True), Symbol("x", positive=True)
    return forall(real, positive, then=equal(real, positive))


@false(ERROR, because=TWO_THINGS)
def real_symbol_beside_a_positive_one_is_nonnegative():
    """−1, beside a positive one of its name."""
    real, positive = Symbol("x", real=True), Symbol("x", positive=True)
    return forall(real, positive, then=le(0, real * positive))


@false(ERROR, because=TWO_THINGS)
def integer_and_real_symbol_of_one_name():
    """1 and 1/2."""
    real, whole = Symbol("k", real=True), Symbol("k", integer=True)
    return forall(real, whole, then=equal(real, whole))


@false(ERROR, REFUTED, because=TWO_THINGS)
def parameter_and_scalar_of_one_name():
    """A family above 1, and any number."""
    free, bound = parameter("c", above=1), scalars("c")
    return forall(bound, then=le(free, bound))


@false(ERROR, REFUTED, because=TWO_THINGS)
def scalar_called_as_a_dimension_is_at_least_one():
    """A real number r = 0 beside the rank r."""
    number = Symbol("r", real=True)
    return forall(s, number, then=le(1, number))


@false(ERROR, REFUTED, because=TWO_THINGS)
def scalar_called_as_a_dimension_bounds_the_rank():
    """A real number r = 0: rank X ≤ 0 fails."""
    number = Symbol("r", real=True)
    return forall(s, number, then=le(rank(s.X), number))


@false(ERROR, REFUTED, because=TWO_THINGS)
def matrix_called_as_a_dimension():
    """The matrix [2] beside the dimension n = 1."""
    named = MatrixSymbol("n", m, m)
    return forall(s, named, then=le(trace(named), n))


@false(ERROR, REFUTED, because=TWO_THINGS)
def matrix_called_as_its_own_dimension():
    """The matrix [1 1; 1 1] has rank 1."""
    named = MatrixSymbol("n", n, n)
    return forall(named, given=distinct(named, 0), then=equal(rank(named), n))


@false(ERROR, REFUTED, because=TWO_THINGS)
def scalar_called_as_a_matrix():
    """P = [1], the number 0."""
    number = Symbol("P", real=True)
    return forall(P, number, then=le(entry(P, 0, 0), number))


@false(ERROR, REFUTED, because=TWO_THINGS)
def matrices_of_one_name_and_two_shapes():
    """A 1×2 and a 2×1 matrix."""
    one, two = MatrixSymbol("P", m, n), MatrixSymbol("P", n, m)
    return forall(one, two, then=equal(one, two.T))


@false(ERROR, REFUTED, because=TWO_THINGS)
def smooth_functions_of_one_name_and_two_shapes():
    """Two functions, 0 and 1."""
    one, two = smooth("f", (m, n)), smooth("f", (n, m))
    return forall(one, two, P, then=equal(one(P), two(P.T)))


@false(ERROR, REFUTED, because=TWO_THINGS)
def symmetric_and_general_operator_of_one_name():
    """The rotation by a right angle has another adjoint."""
    general, own = operator("H", (m, n), symmetric=False), operator("H", (m, n))
    return forall(general, own, P, Q, then=equal(inner(general(P), Q), inner(P, own(Q))))


@false(ERROR, REFUTED, because=TWO_THINGS)
def function_called_as_a_matrix():
    """A function f = 0, and a matrix f = [1]."""
    h, named = smooth("f", (m, m)), MatrixSymbol("f", m, m)
    return forall(h, named, then=equal(h(named), trace(named)))


@false(ERROR, REFUTED, because="letters that look alike may be refused")
def letters_that_look_alike_are_equal():
    """Latin A and Cyrillic А: [0] and [1]."""
    latin, cyrillic = MatrixSymbol("A", m, n), MatrixSymbol("А", m, n)
    return forall(latin, cyrillic, then=equal(latin, cyrillic))


@false(ERROR, REFUTED, because="the name may be refused")
def matrix_called_as_the_argument_of_formulas():
    """∇⟨Y, D⟩ = D, not 2D, for D = [1]."""
    named = MatrixSymbol("·", m, n)
    h = function(lambda Y: inner(Y, named), (m, n), name="h")
    return forall(named, then=equal(h.grad(named), 2 * named))


@false(ERROR, REFUTED, because="the name may be refused")
def scalar_called_as_the_argument_of_formulas():
    """The number 0 times 1."""
    named = Symbol("·", real=True)
    return forall(P, named, then=equal(elementwise(lambda t: t * named, P), elementwise(lambda t: t**2, P)))


@false(REFUTED)
def user_matrix_called_as_the_target_has_rank_at_most_r():
    """X⋆ = I of size 2, r = 1: the user's matrix of that name is any matrix."""
    mine = MatrixSymbol("X⋆", m, n)
    return forall(mine, s, then=le(rank(mine), s.r))


@false(REFUTED)
def user_matrix_called_as_the_witness_is_a_contraction():
    """S = [2]."""
    mine, point = MatrixSymbol("S", m, n), MatrixSymbol("X⋆", m, n)
    return forall(mine, point, s, then=le(spectral(mine), 1))


@false(REFUTED)
def user_matrix_called_as_the_target_is_stationary_for_factorization():
    """M = [0], X⋆ = [1]."""
    M = MatrixSymbol("M", s.m, s.n)
    fit = lora(loss=lambda Y: frobenius(Y - M) ** 2 / 2)
    mine = MatrixSymbol("X⋆", s.m, s.n)
    return forall(fit, M, mine, then=le(spectral(mine), spectral(M)))


@false(REFUTED)
def rank_deficient_points_with_another_decay_vanish():
    """Decay μ = 1, f = ½‖Y − 2‖², r = 2: X = [1]."""
    named = lora(decay=Symbol("μ", nonnegative=True))
    return forall(named, given=[named.sosp(), lt(rank(named.X), named.r)], then=equal(named.X, 0))


@false(REFUTED)
def gradient_le_decay_called_mu_of_every_second_order_point():
    """It needs rank X < r: f = ½‖Y − I‖² of size 2, r = 1, μ = 0."""
    named = lora(decay=Symbol("μ", nonnegative=True))
    return forall(named, given=named.sosp(), then=le(spectral(named.f.grad(named.X)), named.decay))


@false(REFUTED)
def gradient_le_decay_of_rank_deficient_with_scale_left_out():
    """scale·‖G‖ ≤ decay only: X = 0, G = [2], scale 1/2, decay 1."""
    named = lora(scale=Symbol("c", positive=True))
    deficient = [named.sosp(), lt(rank(s.A * s.B.T), named.r)]
    return forall(named, given=deficient, then=le(spectral(named.f.grad(named.X)), named.decay))


@false(REFUTED)
def exchanged_scale_and_decay():
    """X = 0, G = [0], scale 1, decay 0: decay·‖G‖ ≤ scale is true there; G = [2], decay 2, scale 1 has 4 > 1."""
    c, decay = Symbol("λ", positive=True), Symbol("s", nonnegative=True)
    named = lora(scale=c, decay=decay)
    deficient = [named.sosp(), lt(rank(s.A * s.B.T), named.r)]
    return forall(named, given=deficient, then=le(decay * spectral(named.f.grad(named.X)), c))


@false(REFUTED)
def scalar_called_s_does_not_scale():
    """s = 2, P = [1]."""
    mine = Symbol("s", positive=True)
    return forall(P, mine, then=equal(spectral(mine * P), spectral(P)))


@false(REFUTED)
def scalar_called_lambda_is_nonnegative():
    """λ = −1: the user's own λ is any real number."""
    mine = Symbol("λ", real=True)
    return forall(P, mine, then=le(0, mine * frobenius(P)))


_turns = itertools.count()


@false(ERROR, because="a claim that says something else the second time is none")
def claim_that_changes_between_readings():
    """0 = 0 at first, then 0 = 1."""
    other = scalars("u") if next(_turns) % 2 else x
    return forall(x, scalars("u"), then=equal(x, other))


@false(ERROR, because="a claim that says something else the second time is none")
def claim_with_a_random_constant():
    """The claim draws its constant anew each time it is read; with c > 0, x = c/2 refutes it."""
    drawn = sp.Rational(random.randrange(10**9), 7)
    return forall(x, then=le(drawn * x, x**2))
