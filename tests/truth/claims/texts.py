"""What the text says and a reading could drop: assumptions of symbols, the value of a step at 0, digits of floats."""

from sympy import Abs, Heaviside, MatrixSymbol, Rational, Symbol, cos, exp, log, sign, sin, sqrt, tanh

from verify import *

from ..judging import CANDIDATE, ERROR, HELD, PROVED, REFUTED, UNKNOWN, VACUOUS, false, true

m, n = dimensions("m n")
P = MatrixSymbol("P", m, n)
K = MatrixSymbol("K", n, n)
t, u = scalars("t u")
a, b = positives("a b")
ASSUMPTION = "an assumption that no domain can say may be refused"
FLOAT = "a float may be refused, as it is not the fraction that was meant"
STEP = "the value of a step at 0 may be refused"


# Assumptions of symbols ------------------------------------------------------------------------------------------------


@true(HELD, PROVED, ERROR, because=ASSUMPTION)
def nonzero_number_is_not_zero():
    """By assumption."""
    number = Symbol("x", real=True, nonzero=True)
    return forall(number, then=distinct(number, 0))


@true(HELD, PROVED, ERROR, because=ASSUMPTION)
def square_of_a_nonzero_number_is_positive():
    """By assumption."""
    number = Symbol("x", real=True, nonzero=True)
    return forall(number, then=lt(0, number**2))


@true(HELD, PROVED, ERROR, because=ASSUMPTION)
def prime_is_at_least_two():
    """By assumption."""
    prime = Symbol("p", prime=True)
    return forall(prime, then=le(2, prime))


@true(HELD, PROVED)
def integer_that_is_positive_is_at_least_one():
    """By assumption."""
    whole = Symbol("k", integer=True, positive=True)
    return forall(whole, t, then=le(t**2, whole * t**2))


@true(HELD, PROVED)
def nonpositive_number_times_itself():
    """x ≤ 0: x|x| = −x²."""
    number = Symbol("x", nonpositive=True)
    return forall(number, then=equal(number * Abs(number), -(number**2)))


@true(HELD, PROVED)
def negative_times_positive():
    """x < 0 < a."""
    number = Symbol("x", negative=True)
    return forall(number, a, then=lt(number * a, 0))


@false(ERROR, because=ASSUMPTION)
def square_of_an_imaginary_number_is_nonnegative():
    """x = i."""
    number = Symbol("x", imaginary=True)
    return forall(number, then=le(0, number**2))


@false(ERROR, because="a symbol that is not real may be refused")
def square_of_a_complex_number_is_nonnegative():
    """x = i: a plain SymPy symbol is complex."""
    number = Symbol("x")
    return forall(number, then=le(0, number**2))


@false(ERROR, because="a symbol that is not real may be refused")
def complex_number_is_real():
    """x = i: exp(x) is no positive number."""
    number = Symbol("x", complex=True)
    return forall(number, then=lt(0, exp(number)))


@false(ERROR, because="a symbol that does not commute may be refused")
def symbols_that_do_not_commute_commute():
    """By assumption."""
    one, two = Symbol("x", commutative=False), Symbol("y", commutative=False)
    return forall(one, two, then=equal(one * two, two * one))


@false(ERROR, REFUTED, because=ASSUMPTION)
def prime_is_at_most_seven():
    """11."""
    prime = Symbol("p", prime=True)
    return forall(prime, then=le(prime, 7))


@false(ERROR, REFUTED, because=ASSUMPTION)
def even_number_is_at_least_its_square():
    """2 < 4."""
    even = Symbol("x", even=True)
    return forall(even, then=le(even**2, even))


@false(ERROR, UNKNOWN, because=ASSUMPTION)
def an_even_number_is_three():
    """3 is odd."""
    even = Symbol("x", even=True)
    return exists(even, such_that=equal(even, 3))


@false(ERROR, UNKNOWN, because=ASSUMPTION)
def a_nonzero_number_is_zero():
    """By assumption."""
    number = Symbol("x", real=True, nonzero=True)
    return exists(number, such_that=equal(number, 0))


@false(ERROR, UNKNOWN, because=ASSUMPTION)
def a_prime_is_four():
    """4 = 2·2."""
    prime = Symbol("p", prime=True)
    return exists(prime, such_that=equal(prime, 4))


@false(ERROR, UNKNOWN, because=ASSUMPTION)
def an_irrational_number_is_two():
    """2 is rational."""
    number = Symbol("x", irrational=True)
    return exists(number, such_that=equal(number, 2))


@false(ERROR, UNKNOWN, because=ASSUMPTION)
def an_odd_number_is_two():
    """2 is even."""
    odd = Symbol("x", odd=True)
    return exists(odd, such_that=equal(odd, 2))


@false(ERROR, UNKNOWN, because=ASSUMPTION)
def a_number_that_is_not_an_integer_is_one():
    """1 is an integer."""
    number = Symbol("x", real=True, integer=False)
    return exists(number, such_that=equal(number, 1))


@false(ERROR, UNKNOWN, because=ASSUMPTION)
def a_composite_number_is_three():
    """3 is prime."""
    number = Symbol("x", composite=True)
    return exists(number, such_that=equal(number, 3))


@false(UNKNOWN, ERROR, because="nothing can be found")
def a_number_that_is_not_positive_is_one():
    """1 > 0."""
    number = Symbol("x", real=True, positive=False)
    return exists(number, such_that=equal(number, 1))


@false(UNKNOWN, ERROR, because="nothing can be found")
def an_integer_is_one_half():
    """1/2 is none."""
    whole = Symbol("x", integer=True)
    return exists(whole, such_that=equal(2 * whole, 1))


# Steps, signs and roots ------------------------------------------------------------------------------------------------


@false(REFUTED, ERROR, because=STEP)
def steps_with_two_values_at_zero_are_equal():
    """t = 0: 1 ≠ 0."""
    return forall(t, then=equal(Heaviside(t, 1), Heaviside(t, 0)))


@false(REFUTED, ERROR, because=STEP)
def step_is_one_at_zero():
    """SymPy's value at 0 is 1/2."""
    return forall(t, given=le(0, t), then=le(1, Heaviside(t)))


@false(REFUTED, ERROR, because=STEP)
def step_is_zero_at_zero():
    """SymPy's value at 0 is 1/2."""
    return forall(t, given=le(t, 0), then=le(Heaviside(t), 0))


@false(REFUTED, ERROR, because=STEP)
def step_takes_two_values_only():
    """t = 0: ½·(1 − ½) = ¼."""
    return forall(t, then=equal(Heaviside(t) * (1 - Heaviside(t)), 0))


@false(REFUTED, ERROR, because=STEP)
def elementwise_steps_with_two_values_at_zero_are_equal():
    """P = [0]."""
    return forall(P, then=equal(elementwise(lambda x: Heaviside(x, 1), P), elementwise(lambda x: Heaviside(x, 0), P)))


@false(REFUTED)
def squared_sign_is_one():
    """t = 0."""
    return forall(t, then=equal(sign(t) ** 2, 1))


@false(REFUTED)
def root_of_square_is_the_number():
    """t = −1."""
    return forall(t, then=equal(sqrt(t**2), t))


@false(REFUTED)
def absolute_value_le_square():
    """t = 1/2."""
    return forall(t, then=le(Abs(t), t**2))


@false(REFUTED)
def logarithm_le_number_minus_two():
    """a = 1: 0 > −1."""
    return forall(a, then=le(log(a), a - 2))


@false(REFUTED)
def sine_of_double_is_double_sine():
    """t = 1."""
    return forall(t, then=equal(sin(2 * t), 2 * sin(t)))


@false(REFUTED)
def softplus_le_relu_plus_one_half():
    """t = 0: log 2 > 1/2."""
    return forall(t, then=le(softplus(t), relu(t) + Rational(1, 2)))


@false(REFUTED)
def positive_part_is_additive():
    """1 and −1."""
    return forall(t, u, then=equal(positive_part(t + u), positive_part(t) + positive_part(u)))


@false(REFUTED)
def maximum_of_negatives_is_the_negative():
    """0 and 1: 1 + 0 ≠ 0."""
    return forall(t, u, then=equal(maximum(t, u) + maximum(-t, -u), 0))


@false(REFUTED)
def minimum_of_sums():
    """min(0 + 1, 1 + 0) = 1 > min(0, 1) + min(1, 0) = 0."""
    v, w = scalars("v w")
    return forall(t, u, v, w, then=le(minimum(t + v, u + w), minimum(t, u) + minimum(v, w)))


@true(HELD, PROVED)
def maximum_by_absolute_value():
    """max(t, u) = (t + u + |t − u|)/2."""
    return forall(t, u, then=equal(2 * maximum(t, u), t + u + Abs(t - u)))


@true(HELD, PROVED)
def number_is_the_difference_of_its_parts():
    """t = t₊ − (−t)₊."""
    return forall(t, then=equal(positive_part(t) - positive_part(-t), t))


@true(HELD, PROVED)
def exponential_is_midpoint_convex():
    """2√(eᵗeᵘ) ≤ eᵗ + eᵘ."""
    return forall(t, u, then=le(2 * exp((t + u) / 2), exp(t) + exp(u)))


@true(HELD, PROVED)
def logarithm_of_product():
    """For positive numbers."""
    return forall(a, b, then=equal(log(a * b), log(a) + log(b)))


@true(HELD, PROVED)
def sum_of_a_number_and_its_inverse():
    """a + 1/a ≥ 2."""
    return forall(a, then=le(2, a + 1 / a))


@true(HELD, PROVED)
def softplus_lies_above_relu():
    """log(1 + eᵗ) > max(t, 0)."""
    return forall(t, then=le(relu(t), softplus(t)))


@true(HELD, PROVED)
def cosine_is_at_most_one():
    """cos t ≤ 1, in every entry."""
    return forall(P, then=le(entry(elementwise(cos, P), 0, 0), 1))


@true(HELD, PROVED)
def hyperbolic_tangent_shrinks():
    """|tanh t| ≤ |t|."""
    return forall(P, then=le(frobenius(elementwise(tanh, P)), frobenius(P)))


@true(HELD, PROVED)
def first_entry_le_its_logsumexp():
    """The sum has that term, and all are positive."""
    return forall(P, then=le(entry(P, 0, 0), entry(logsumexp(P), 0, 0)))


@false(REFUTED)
def logsumexp_le_first_entry_plus_one():
    """[0 1]: log(1 + e) > 1."""
    return forall(P, then=le(entry(logsumexp(P), 0, 0), entry(P, 0, 0) + 1))


@false(REFUTED)
def trace_of_softmax_le_one():
    """I of size 2: 2e/(1 + e) > 1."""
    return forall(K, then=le(trace(softmax(K)), 1))


@false(REFUTED)
def sigmoid_is_odd():
    """t = 0: 1/2 ≠ −1/2."""
    return forall(t, then=equal(sigmoid(-t), -sigmoid(t)))


# Floats ----------------------------------------------------------------------------------------------------------------


@false(REFUTED, ERROR, because=FLOAT)
def floats_of_one_third_and_two_thirds_add_up():
    """fl(1/3) + fl(2/3) = 1 − 2⁻⁵⁴."""
    return forall(P, then=equal(P * (1 / 3) + P * (2 / 3), P))


@false(REFUTED, ERROR, because=FLOAT)
def float_of_one_third_is_one_third():
    """fl(1/3) < 1/3."""
    return forall(t, then=equal(t / 3, t * (1 / 3)))


@false(REFUTED, ERROR, because=FLOAT)
def float_sum_le_three_tenths():
    """0.1 + 0.2 is 0.30000000000000004."""
    return forall(a, then=le((0.1 + 0.2) * a, Rational(3, 10) * a))


@false(REFUTED, ERROR, because=FLOAT)
def float_square_of_the_root_of_two():
    """(fl √2)² ≠ 2."""
    return forall(t, then=equal((2**0.5) ** 2 * t, 2 * t))


@false(REFUTED, ERROR, because=FLOAT)
def float_above_a_large_integer():
    """2⁵³ + 1 is no float: 9007199254740993.0 reads 9007199254740992."""
    return forall(a, then=le((2**53 + 1) * a, 9007199254740993.0 * a))


@true(HELD, PROVED, ERROR, because=FLOAT)
def half_as_a_float_is_a_half():
    """Exactly."""
    return forall(t, then=equal(0.5 * t, t / 2))


# The least eigenvalue of what is not symmetric --------------------------------------------------------------------------


@false(ERROR, REFUTED, CANDIDATE, UNKNOWN, VACUOUS, because="of a matrix that is not symmetric it may be refused")
def least_eigenvalue_at_least_one_bounds_the_skew_part():
    """K = I + 100·(E₁₂ − E₂₁) has real part 1."""
    return forall(K, given=le(1, lambda_min(K)), then=le(spectral(K - K.T), 100))


@false(ERROR, REFUTED, UNKNOWN, because="of a matrix that is not symmetric it may be refused")
def least_eigenvalue_is_on_the_diagonal():
    """K = [1 2; 2 1]: −1; whatever is meant for other matrices, it is wrong for symmetric ones."""
    return forall(K, then=le(trace(K), n * lambda_min(K)))


@false(ERROR, because="a bilinear form is no matrix")
def hessian_form_has_a_least_eigenvalue():
    """The Hessian of f is a bilinear form on matrices; f concave."""
    s = lora()
    return forall(s, then=le(0, lambda_min(s.f.hess(s.X))))
