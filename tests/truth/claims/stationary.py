"""First-order points: of the setting, with scale and two decays, of losses by hand, one factor, three factors."""

from sympy import MatrixSymbol, Symbol

from verify import *

from ..judging import CANDIDATE, HELD, PROVED, REFUTED, UNKNOWN, VACUOUS, false, true

s = lora()
A, B, X, f, L, r, lam = s.A, s.B, s.X, s.f, s.L, s.r, s.decay
G = f.grad(X)
stationary = [s.fosp(), lt(0, lam)]
k = dimensions("k")
even = lora(m=k, n=k)
double = lora(scale=2)
decays = lora(decays=nonnegatives("a b"))
p, q = dimensions("p q")
W1, W2, W3 = MatrixSymbol("W1", r, s.n), MatrixSymbol("W2", q, r), MatrixSymbol("W3", s.m, q)
deep = f(W3 * W2 * W1) + lam / 2 * (frobenius(W1) ** 2 + frobenius(W2) ** 2 + frobenius(W3) ** 2)
three = (f, lam, W1, W2, W3)
U = MatrixSymbol("U", k, r)
h = smooth("h", (k, k))
one = h(U * U.T) + lam / 2 * frobenius(U) ** 2
M = MatrixSymbol("M", s.m, s.n)


@true(HELD, PROVED)
def factors_have_one_rank():
    """AᵀA = BᵀB."""
    return forall(s, given=stationary, then=equal(rank(A), rank(B)))


@true(HELD, PROVED)
def factors_have_one_spectral_norm():
    """AᵀA = BᵀB."""
    return forall(s, given=stationary, then=equal(spectral(A), spectral(B)))


@true(HELD, PROVED)
def nuclear_norm_is_the_squared_norm_of_a_factor():
    """A balanced pair attains ‖X‖_*."""
    return forall(s, given=stationary, then=equal(nuclear(X), frobenius(A) ** 2))


@true(HELD, PROVED)
def squared_norm_of_update_is_that_of_the_gram_matrix():
    """‖X‖² = tr(AᵀA BᵀB) = ‖AᵀA‖²."""
    return forall(s, given=stationary, then=equal(frobenius(X) ** 2, frobenius(A.T * A) ** 2))


@true(HELD, PROVED)
def rank_of_update_is_that_of_a_factor():
    """XᵀX = B(AᵀA)Bᵀ with AᵀA = BᵀB."""
    return forall(s, given=stationary, then=equal(rank(X), rank(A)))


@true(HELD, PROVED)
def decay_times_squared_factor_le_gradient_times_update():
    """λ‖A‖² = −⟨G, X⟩ ≤ ‖G‖‖X‖_*."""
    return forall(s, given=s.fosp(), then=le(lam * frobenius(A) ** 2, spectral(G) * nuclear(X)))


@true(PROVED)
def pairing_with_scale_two():
    """⟨G, X⟩ = −λ‖A‖², with the scale inside X."""
    slope = double.f.grad(double.X)
    return forall(double, given=double.fosp(), then=equal(inner(slope, double.X), -lam * frobenius(A) ** 2))


@true(PROVED)
def pairing_with_two_decays():
    """⟨G, X⟩ = −a‖A‖² = −b‖B‖²."""
    slope = decays.f.grad(X)
    return forall(decays, given=decays.fosp(), then=equal(inner(slope, X) + decays.decay_B * frobenius(B) ** 2, 0))


@true(PROVED, HELD, UNKNOWN, because="points of one factor may not be found, and proofs may not know them")
def pairing_of_one_factor():
    """(G + Gᵀ)U + λU = 0, multiplied by Uᵀ: 2⟨G, UUᵀ⟩ = −λ‖U‖²."""
    return forall(h, lam, U, given=fosp(one, of=[U]), then=equal(2 * inner(h.grad(U * U.T), U * U.T), -lam * frobenius(U) ** 2))


@true(PROVED, HELD, UNKNOWN, because="points of three factors may not be found, and proofs may not know them")
def neighbours_are_balanced_of_three_factors():
    """λW₁W₁ᵀ = −W₂ᵀW₃ᵀGW₁ᵀ = λW₂ᵀW₂."""
    return forall(*three, given=[fosp(deep, of=[W1, W2, W3]), lt(0, lam)], then=equal(W1 * W1.T, W2.T * W2))


@true(PROVED, HELD)
def factor_is_minus_gradient_times_other_over_decay():
    """By definition."""
    return forall(s, given=s.fosp(), then=equal(lam * A * B.T * B, -G * B * B.T * B))


@true(HELD, PROVED)
def smaller_side_bounds_the_rank():
    """rank A ≤ min(m, r)."""
    return forall(s, given=stationary, then=le(rank(B), minimum(s.m, r)))


@true(PROVED, HELD)
def factors_of_a_square_setting_have_one_norm():
    """−λ‖A‖² = ⟨GB, A⟩ = ⟨GᵀA, B⟩ = −λ‖B‖²."""
    return forall(even, given=even.fosp(), then=equal(even.decay * (frobenius(even.A) ** 2 - frobenius(even.B) ** 2), 0))


# False ----------------------------------------------------------------------------------------------------------------


@false(REFUTED)
def factors_are_equal():
    """X = −1: A = 1, B = −1."""
    return forall(even, given=[even.fosp(), lt(0, lam)], then=equal(even.A, even.B))


@false(REFUTED)
def left_gram_matrices_are_equal():
    """A = e₁, B = e₂: X = E₁₂."""
    return forall(even, given=[even.fosp(), lt(0, lam)], then=equal(even.A * even.A.T, even.B * even.B.T))


@false(REFUTED)
def pairing_with_twice_the_decay():
    """A = B = 1, λ = 1, G = −1: −1 ≠ −2."""
    return forall(s, given=s.fosp(), then=equal(inner(G, X), -2 * lam * frobenius(A) ** 2))


@false(REFUTED)
def pairing_is_positive():
    """A = B = 1, λ = 1, G = −1."""
    return forall(s, given=s.fosp(), then=equal(inner(G, X), lam * frobenius(A) ** 2))


@false(REFUTED)
def gradient_le_decay_of_every_stationary_point():
    """The origin is stationary for every f."""
    return forall(s, given=s.fosp(), then=le(spectral(G), lam))


@false(REFUTED)
def gradient_eq_decay_of_nonzero_stationary_point():
    """X = E₁₁ with G = −E₁₁ − 2E₂₂, λ = 1."""
    return forall(s, given=[*stationary, distinct(X, 0)], then=equal(spectral(G), lam))


@false(REFUTED)
def gradient_commutes_with_update():
    """A = e₁, B = e₂, G = −E₁₂ + E₂₁: GX = E₂₂, XG = E₁₁."""
    slope = even.f.grad(even.X)
    return forall(even, given=even.fosp(), then=equal(slope * even.X, even.X * slope))


@false(REFUTED)
def pairing_with_scale_counted_twice():
    """Scale 2, A = B = 1, λ = 2, G = −1: ⟨G, X⟩ = −2, not −4."""
    slope = double.f.grad(double.X)
    return forall(double, given=double.fosp(), then=equal(inner(slope, double.X), -2 * lam * frobenius(A) ** 2))


@false(REFUTED)
def balance_with_the_scale_in_it():
    """A = B = 1 is balanced without it."""
    scaled = lora(scale=3)
    return forall(scaled, given=[scaled.fosp(), lt(0, lam)], then=equal(3 * A.T * A, B.T * B))


@false(REFUTED)
def pairing_with_the_decay_of_the_other_factor():
    """a = 4, b = 1, A = 1, B = 2, G = −2: −4 ≠ −1."""
    slope = decays.f.grad(X)
    return forall(decays, given=decays.fosp(), then=equal(inner(slope, X), -decays.decay_B * frobenius(A) ** 2))


@false(REFUTED)
def balance_with_exchanged_decays():
    """a = 4, b = 1, A = 1, B = 2: 1 ≠ 16."""
    positive = [lt(0, decays.decay_A), lt(0, decays.decay_B)]
    return forall(decays, given=[decays.fosp(), *positive], then=equal(decays.decay_B * A.T * A, decays.decay_A * B.T * B))


@false(REFUTED)
def ranks_of_factors_share_the_width():
    """r = 1, A = B = 1: 2 > 1."""
    return forall(s, given=stationary, then=le(rank(A) + rank(B), r))


@false(REFUTED)
def squared_gradient_acts_as_the_decay():
    """λ = 2: GᵀGB = 4B."""
    return forall(s, given=s.fosp(), then=equal(G.T * G * B, lam * B))


@false(REFUTED)
def gradient_acts_as_plus_lambda():
    """A = B = 1, λ = 1, G = −1: −1 ≠ 1."""
    return forall(s, given=s.fosp(), then=equal(G * B, lam * A))


@false(REFUTED)
def gradient_equals_minus_lambda_times_update():
    """X = 2, λ = 1: G = −1."""
    return forall(s, given=s.fosp(), then=equal(G * B, -lam * X * B))


@false(REFUTED, CANDIDATE, UNKNOWN, because="points of one factor may not be found")
def gradient_of_one_factor_without_its_transpose():
    """G + Gᵀ = −I for G = −I/2, U = 1, λ = 1: GU = −U/2."""
    return forall(h, lam, U, given=fosp(one, of=[U]), then=equal(h.grad(U * U.T) * U, -lam * U))


@false(REFUTED, CANDIDATE, UNKNOWN, VACUOUS, because="points of three factors may not be found", slow=True)
def neighbours_are_balanced_with_factor_two():
    """All weights 1, λ = 1, G = −1."""
    return forall(*three, given=[fosp(deep, of=[W1, W2, W3]), lt(0, lam)], then=equal(W1 * W1.T, 2 * W2.T * W2))


@false(REFUTED)
def stationary_point_of_factorization_is_the_target():
    """The origin, M = 1."""
    fit = lora(loss=lambda Y: frobenius(Y - M) ** 2 / 2)
    return forall(fit, M, given=fit.fosp(), then=equal(X, M))


@false(REFUTED, CANDIDATE, UNKNOWN, because="points of a loss with kinks may not be found")
def stationary_point_of_huber_is_that_of_the_square():
    """m = n = r = 1, M = 9, λ = 2: A = B = 1 has X − M = −8, whose clipped value is −2: −2 + 2 = 0, but −8 + 2 ≠ 0."""

    def loss(Y):
        entries = elementwise(lambda t: t**2 / 2 - maximum(abs(t) - 2, 0) ** 2 / 2, Y - M)
        return trace(ones(s.m, 1).T * entries * ones(s.n, 1))

    robust = lora(loss=loss)
    return forall(robust, M, given=robust.fosp(), then=equal((X - M) * B + lam * A, 0))


@false(REFUTED)
def named_decay_balances_with_zero():
    """Decay d = 0: A = 1, B = 0, f = 0."""
    named = lora(decay=Symbol("d", nonnegative=True))
    return forall(named, given=named.fosp(), then=equal(named.A.T * named.A, named.B.T * named.B))
