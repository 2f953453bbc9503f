"""Norms, singular values, ranks and traces: what linear algebra says, and what it does not."""

from sympy import MatrixSymbol, Rational, sqrt

from verify import *

from ..judging import CANDIDATE, HELD, PROVED, REFUTED, UNKNOWN, VACUOUS, false, true

m, n, p = dimensions("m n p")
P, Q = matrices("P Q", m, n)
W = MatrixSymbol("W", n, p)
K, N, T = matrices("K N T", n, n)
half, tiny = Rational(1, 2), Rational(1, 10**9)
c, d = positives("c d")
C, D = MatrixSymbol("C", m, p), MatrixSymbol("D", n, p)


def symmetric(*squares):
    """Every one equals its transpose."""
    return [equal(square, square.T) for square in squares]


@true(HELD, PROVED)
def squared_frobenius_le_spectral_times_nuclear():
    """Σσ_i² ≤ σ_1 Σσ_i."""
    return forall(P, then=le(frobenius(P) ** 2, spectral(P) * nuclear(P)))


@true(HELD, PROVED)
def frobenius_of_product_le_spectral_times_frobenius():
    """Column by column, |Pw| ≤ ‖P‖|w|."""
    return forall(P, W, then=le(frobenius(P * W), spectral(P) * frobenius(W)))


@true(HELD, PROVED)
def nuclear_of_product_le_spectral_times_nuclear():
    """⟨Z, PW⟩ = ⟨PᵀZ, W⟩ ≤ ‖P‖‖Z‖‖W‖_* for every Z."""
    return forall(P, W, then=le(nuclear(P * W), spectral(P) * nuclear(W)))


@true(HELD, PROVED)
def two_largest_singular_values_are_subadditive():
    """Ky Fan: σ_1 + σ_2 is a norm."""
    return forall(P, Q, then=le(sigma(P + Q, 1) + sigma(P + Q, 2), sigma(P, 1) + sigma(P, 2) + sigma(Q, 1) + sigma(Q, 2)))


@true(HELD, PROVED)
def rank_is_subadditive():
    """The column space of P + Q lies in the sum of the two."""
    return forall(P, Q, then=le(rank(P + Q), rank(P) + rank(Q)))


@true(HELD, PROVED)
def rank_of_product_is_at_least_what_sylvester_says():
    """Sylvester: rank P + rank W − n ≤ rank PW."""
    return forall(P, W, then=le(rank(P) + rank(W) - n, rank(P * W)))


@true(HELD, PROVED)
def rank_of_gram_matrix_is_rank():
    """PᵀPv = 0 gives |Pv|² = 0."""
    return forall(P, then=equal(rank(P.T * P), rank(P)))


@true(HELD, PROVED)
def trace_of_square_le_squared_frobenius():
    """Cauchy–Schwarz for K and Kᵀ."""
    return forall(K, then=le(trace(K * K), frobenius(K) ** 2))


@true(HELD, PROVED)
def squared_trace_le_rank_times_squared_frobenius():
    """|tr K| ≤ ‖K‖_* ≤ √rank ‖K‖_F."""
    return forall(K, then=le(trace(K) ** 2, rank(K) * frobenius(K) ** 2))


@true(HELD, PROVED)
def gram_determinant_is_nonnegative():
    """PᵀP is positive semidefinite."""
    return forall(P, then=le(0, det(P.T * P)))


@true(HELD, PROVED)
def determinant_of_identity_plus_gram_is_at_least_one_plus_squared_norm():
    """Π(1 + s_i) ≥ 1 + Σs_i for s_i ≥ 0."""
    return forall(P, then=le(1 + frobenius(P) ** 2, det(identity(n) + P.T * P)))


@true(HELD, PROVED)
def determinant_is_the_same_on_both_sides():
    """Sylvester's determinant identity, with m and n apart."""
    return forall(P, then=equal(det(identity(n) + P.T * P), det(identity(m) + P * P.T)))


@true(HELD, PROVED)
def logdet_of_identity_plus_gram_le_squared_norm():
    """log(1 + s) ≤ s."""
    return forall(P, then=le(logdet(identity(n) + P.T * P), frobenius(P) ** 2))


@true(HELD, PROVED)
def resolvent_is_a_contraction():
    """The eigenvalues of (I + PᵀP)⁻¹ are 1/(1 + s_i) ≤ 1."""
    return forall(P, then=le(spectral(inverse(identity(n) + P.T * P)), 1))


@true(HELD, PROVED)
def trace_of_resolvent_le_size():
    """Σ 1/(1 + s_i) ≤ n."""
    return forall(P, then=le(trace(inverse(identity(n) + P.T * P)), n))


@true(HELD, PROVED)
def nuclear_norm_of_transpose():
    """P and Pᵀ have the same singular values."""
    return forall(P, then=equal(nuclear(P.T), nuclear(P)))


@true(HELD, PROVED)
def second_singular_value_of_negative():
    """P and −P have the same singular values."""
    return forall(P, then=equal(sigma(-P, 2), sigma(P, 2)))


@true(HELD, PROVED)
def hadamard_product_is_submultiplicative():
    """Σ p²q² ≤ Σp² Σq²."""
    return forall(P, Q, then=le(frobenius(hadamard(P, Q)), frobenius(P) * frobenius(Q)))


@true(PROVED)
def polarization():
    """‖P + Q‖² − ‖P − Q‖² = 4⟨P, Q⟩."""
    return forall(P, Q, then=equal(4 * inner(P, Q), frobenius(P + Q) ** 2 - frobenius(P - Q) ** 2))


@true(PROVED)
def parallelogram_law():
    """‖P + Q‖² + ‖P − Q‖² = 2‖P‖² + 2‖Q‖²."""
    return forall(
        P, Q, then=equal(frobenius(P + Q) ** 2 + frobenius(P - Q) ** 2, 2 * frobenius(P) ** 2 + 2 * frobenius(Q) ** 2)
    )


@true(PROVED)
def trace_of_commutator_vanishes():
    """tr KN = tr NK."""
    return forall(K, N, then=equal(trace(K * N - N * K), 0))


@true(HELD, PROVED)
def squared_spectral_le_frobenius_of_gram():
    """‖PᵀP‖_F ≥ ‖PᵀP‖_op = ‖P‖²."""
    return forall(P, then=le(spectral(P) ** 2, frobenius(P.T * P)))


@true(HELD, PROVED)
def symmetric_part_is_no_larger():
    """The triangle inequality for K/2 and Kᵀ/2."""
    return forall(K, then=le(frobenius(K + K.T), 2 * frobenius(K)))


@true(HELD, PROVED)
def least_eigenvalue_is_superadditive():
    """Weyl: the least value of xᵀ(K + N)x on the sphere is at least the sum of the two."""
    return forall(K, N, given=symmetric(K, N), then=le(lambda_min(K) + lambda_min(N), lambda_min(K + N)))


@true(HELD, PROVED)
def nuclear_is_frobenius_of_rank_one():
    """One singular value is its own sum and root of squares."""
    return forall(P, given=equal(rank(P), 1), then=equal(nuclear(P), frobenius(P)))


@true(HELD, PROVED, VACUOUS, UNKNOWN, because="0 = 0 without any assumption tells nothing but rounding")
def off_block_of_itself_vanishes():
    """P_U^⊥ P = 0."""
    return forall(P, then=equal(off_block(P, P), 0))


# False ----------------------------------------------------------------------------------------------------------------


@false(REFUTED)
def frobenius_of_product_le_product_of_spectral():
    """P = W = I of size 2: √2 > 1."""
    return forall(P, W, then=le(frobenius(P * W), spectral(P) * spectral(W)))


@false(REFUTED)
def frobenius_le_spectral():
    """I of size 2."""
    return forall(P, then=le(frobenius(P), spectral(P)))


@false(REFUTED)
def squared_nuclear_le_twice_squared_frobenius():
    """I of size 3: 9 > 6; true up to rank 2."""
    return forall(P, then=le(nuclear(P) ** 2, 2 * frobenius(P) ** 2))


@false(REFUTED)
def squared_nuclear_le_three_times_squared_frobenius():
    """I of size 4: 16 > 12; true up to rank 3."""
    return forall(P, then=le(nuclear(P) ** 2, 3 * frobenius(P) ** 2))


@false(REFUTED)
def squared_frobenius_le_twice_squared_spectral():
    """I of size 3: 3 > 2."""
    return forall(P, then=le(frobenius(P) ** 2, 2 * spectral(P) ** 2))


@false(REFUTED)
def second_singular_value_is_subadditive():
    """diag(1, 0) + diag(0, 1) = I has σ_2 = 1, and both have σ_2 = 0."""
    return forall(P, Q, then=le(sigma(P + Q, 2), sigma(P, 2) + sigma(Q, 2)))


@false(REFUTED)
def third_singular_value_vanishes_with_the_determinant_of_a_part():
    """K = I of size 3, N = 0: σ_3(K + N) = 1, though det N = 0."""
    return forall(K, N, given=equal(det(N), 0), then=equal(sigma(K + N, 3), 0))


@false(REFUTED)
def spectral_norm_of_a_product_is_at_least_the_product():
    """P = [1 0], W = [0; 1]: 0 < 1."""
    return forall(P, W, then=le(spectral(P) * spectral(W), spectral(P * W)))


@false(REFUTED)
def rank_of_sum_le_larger_rank():
    """diag(1, 0) + diag(0, 1)."""
    return forall(P, Q, then=le(rank(P + Q), maximum(rank(P), rank(Q))))


@false(REFUTED)
def rank_of_product_in_either_order():
    """K = E₁₂, N = E₁₁: KN = 0, NK = E₁₂."""
    return forall(K, N, then=equal(rank(K * N), rank(N * K)))


@false(REFUTED)
def rank_of_squared_entries_le_rank():
    """C = [0 1; 1 1; 2 1], D = [1 0; 1 1; 1 2]: CDᵀ = [0 1 2; 1 2 3; 2 3 4] of rank 2, and its squared entries of rank 3."""
    return forall(C, D, then=le(rank(hadamard(C * D.T, C * D.T)), rank(C * D.T)))


@false(REFUTED, CANDIDATE, UNKNOWN, because="P and Q have to be of exactly low rank")
def rank_of_hadamard_product_le_larger_rank():
    """P = Q = [0 1 2; 1 2 3; 2 3 4] has rank 2, P∘P = [0 1 4; 1 4 9; 4 9 16] has determinant −8."""
    return forall(P, Q, then=le(rank(hadamard(P, Q)), maximum(rank(P), rank(Q))))


@false(REFUTED)
def trace_is_nuclear_of_symmetric():
    """K = [−1]."""
    return forall(K, given=symmetric(K), then=equal(trace(K), nuclear(K)))


@false(REFUTED)
def determinant_is_superadditive_of_symmetric():
    """K = I of size 2, N = −I: 0 < 2."""
    return forall(K, N, given=symmetric(K, N), then=le(det(K) + det(N), det(K + N)))


@false(REFUTED)
def trace_of_product_le_product_of_traces():
    """K = N = diag(1, −1): 2 > 0."""
    return forall(K, N, given=symmetric(K, N), then=le(trace(K * N), trace(K) * trace(N)))


@false(REFUTED)
def spectral_norm_is_minus_the_least_eigenvalue():
    """K = [1]: 1 ≠ −1."""
    return forall(K, given=symmetric(K), then=equal(spectral(K), -lambda_min(K)))


@false(REFUTED)
def spectral_norm_of_difference_le_larger_norm():
    """P = [1], Q = [−1]."""
    return forall(P, Q, then=le(spectral(P - Q), maximum(spectral(P), spectral(Q))))


@false(REFUTED)
def transpose_keeps_the_order_of_factors():
    """K = E₁₂, N = E₂₂."""
    return forall(K, N, then=equal((K * N).T, K.T * N.T))


@false(REFUTED)
def trace_of_three_factors_in_any_order():
    """E₁₂E₂₁E₁₁ = E₁₁ has trace 1, E₁₂E₁₁E₂₁ = 0."""
    return forall(K, N, T, then=equal(trace(K * N * T), trace(K * T * N)))


@false(REFUTED)
def congruence_of_a_square_matrix_is_symmetric():
    """P = I: K itself is not symmetric."""
    return forall(K, N, then=equal(N.T * K * N, N.T * K.T * N))


@false(REFUTED)
def trace_of_square_is_squared_frobenius():
    """K = E₁₂: 0 and 1."""
    return forall(K, then=equal(trace(K * K), frobenius(K) ** 2))


@false(REFUTED)
def inverse_keeps_the_order_of_factors():
    """K = [1 1; 0 1], N = Kᵀ."""
    regular = [distinct(det(K), 0), distinct(det(N), 0)]
    return forall(K, N, given=regular, then=equal(inverse(K * N), inverse(K) * inverse(N)))


@false(REFUTED)
def inverse_of_transpose_is_the_inverse():
    """K = [1 1; 0 1]."""
    return forall(K, given=distinct(det(K), 0), then=equal(inverse(K.T), inverse(K)))


@false(REFUTED)
def logdet_of_identity_plus_gram_is_the_squared_norm():
    """P = [1]: log 2 ≠ 1."""
    return forall(P, then=equal(logdet(identity(n) + P.T * P), frobenius(P) ** 2))


@false(REFUTED)
def determinant_is_homogeneous_of_degree_one():
    """I of size 2: 4 ≠ 2."""
    return forall(K, then=equal(det(2 * K), 2 * det(K)))


@false(REFUTED)
def trace_le_frobenius():
    """I of size 2: 2 > √2; true for size 1."""
    return forall(K, then=le(trace(K), frobenius(K)))


@false(REFUTED)
def orthonormal_rows_are_orthonormal_columns():
    """P = [1 0]: PPᵀ = 1, PᵀP = diag(1, 0)."""
    return forall(P, given=equal(P * P.T, identity(m)), then=equal(P.T * P, identity(n)))


@false(REFUTED)
def rank_of_a_nonzero_matrix_is_its_height():
    """[1; 0]."""
    return forall(P, given=distinct(P, 0), then=equal(rank(P), m))


@false(REFUTED)
def frobenius_le_half_of_nuclear():
    """[1]."""
    return forall(P, then=le(frobenius(P), half * nuclear(P)))


@false(REFUTED)
def nuclear_le_square_root_of_size_times_spectral():
    """I of size 4: 4 > 2; with n in place of √n it is true."""
    return forall(K, then=le(nuclear(K), sqrt(n) * spectral(K)))


@false(REFUTED)
def triangle_inequality_reversed_for_nuclear():
    """P = [1], Q = [−1]: 2 ≤ 0 fails."""
    return forall(P, Q, then=le(nuclear(P) + nuclear(Q), nuclear(P + Q)))


@false(REFUTED)
def nuclear_of_a_sum_of_symmetric_and_skew():
    """K = E₁₂: ‖K‖_* = 1, while ‖(K + Kᵀ)/2‖_* = 1 and ‖(K − Kᵀ)/2‖_* = 1 add up to 2: the claimed ≤ 3/2 fails."""
    parts = nuclear(K + K.T) / 2 + nuclear(K - K.T) / 2
    return forall(K, then=le(parts, Rational(3, 2) * nuclear(K)))


@false(REFUTED)
def positive_numbers_are_bounded_away_from_zero():
    """c = 10⁻¹⁰."""
    return forall(c, then=le(tiny, c))


@false(REFUTED)
def ratio_of_positive_numbers_is_bounded_away_from_zero():
    """c = 10⁻¹⁰, d = 1."""
    return forall(c, d, then=le(tiny, c / d))


@false(REFUTED)
def gaps_of_positive_numbers_are_bounded_away_from_zero():
    """c = 1, d = 1 + 10⁻¹⁰."""
    return forall(c, d, given=lt(c, d), then=le(c + tiny, d))


@false(REFUTED)
def nonzero_matrices_are_bounded_away_from_zero():
    """[10⁻¹⁰]."""
    return forall(P, given=distinct(P, 0), then=le(tiny, frobenius(P)))


@false(REFUTED)
def numbers_in_the_unit_interval_are_bounded_away_from_zero():
    """c = 10⁻¹⁰."""
    return forall(c, given=le(c, 1), then=le(tiny, c))


@false(REFUTED)
def condition_number_of_two_singular_values_is_bounded():
    """[10⁷ 0; 0 1]."""
    return forall(P, given=lt(0, sigma(P, 2)), then=le(sigma(P, 1), 10**6 * sigma(P, 2)))
