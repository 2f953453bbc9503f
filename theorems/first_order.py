"""First-order structure of the LoRA loss: derivatives, balance, symmetry, and training.

Main definitions
    `L(A, B) = f(sABᵀ) + (λ_A/2)‖A‖² + (λ_B/2)‖B‖²`; a first-order stationary point has `∇L = 0`.

Main statements
    The gradient and Hessian of L; stationary points are balanced, `AᵀA = BᵀB`; the pairing `⟨G, X⟩ = −λ‖A‖²`; balance decays
    exponentially along gradient flow and has a closed formula along gradient descent; the Hessian vanishes along the gauge
    orbit; the SVD form of a stationary point.

Notation
    `G = ∇f(X)`, `X = ABᵀ`. See theory §0.

Implementation notes
    `derivative(...)` stays a node that the prover and the kernel expand independently of `gradient(...)`.

References
    Theory §1, §2. The question: Kim, Kim & Ryu, ICML 2025, arXiv:2502.09376.

Tags
    gradient, Hessian, balance, gauge symmetry, gradient flow, gradient descent
"""

from sympy import MatrixSymbol

from verify import *

s = lora()
A, B, X, f, L, m, n, r, lam = s.A, s.B, s.X, s.f, s.L, s.m, s.n, s.r, s.decay
G = f.grad(X)
U, V = MatrixSymbol("U", m, r), MatrixSymbol("V", n, r)
Omega, K = MatrixSymbol("Ω", r, r), MatrixSymbol("K", r, r)
eta = positives("η")

decays = lora(decays=nonnegatives("λ_A λ_B"))
scaled = lora(scale=positives("s"))
free = lora(decay=0)


@claim(cite="theory §1", keyword=Keyword.TIGHT)
def derivative_of_lora_loss():
    """The first derivative of the LoRA loss is that of `⟨GB + λA, U⟩ + ⟨GᵀA + λB, V⟩`."""
    return forall(
        s,
        U,
        V,
        then=equal(derivative(L, {A: U, B: V}), inner(G * B + lam * A, U) + inner(G.T * A + lam * B, V)),
    )


@claim(cite="theory §1", keyword=Keyword.TIGHT)
def second_derivative_of_lora_loss():
    """The Hessian form is `∇²f(X)[D, D] + 2⟨G, UVᵀ⟩ + λ(‖U‖² + ‖V‖²)` with `D = UBᵀ + AVᵀ`."""
    D = U * B.T + A * V.T
    return forall(
        s,
        U,
        V,
        then=equal(
            derivative(L, {A: U, B: V}, order=2),
            f.hess(X)(D, D) + 2 * inner(G, U * V.T) + lam * (frobenius(U) ** 2 + frobenius(V) ** 2),
        ),
    )


@claim(cite="theory §1, with LoRA scale", keyword=Keyword.TIGHT)
def second_derivative_of_scaled_lora_loss():
    """With scale s the Hessian form is `s²∇²f(X)[D, D] + 2s⟨G, UVᵀ⟩ + λ(‖U‖² + ‖V‖²)`."""
    c, D = scaled.scale, U * B.T + A * V.T
    slope, bend = scaled.f.grad(scaled.X), scaled.f.hess(scaled.X)
    return forall(
        scaled,
        U,
        V,
        then=equal(
            derivative(scaled.L, {A: U, B: V}, order=2),
            c**2 * bend(D, D) + 2 * c * inner(slope, U * V.T) + lam * (frobenius(U) ** 2 + frobenius(V) ** 2),
        ),
    )


@claim(cite="theory §2, Balance", keyword=Keyword.TIGHT)
def balanced_of_stationary():
    """Weight decay balances the factors at every first-order stationary point."""
    return forall(s, given=[s.fosp(), lt(0, lam)], then=equal(A.T * A, B.T * B))


@claim(cite="theory §2, Balance (two decays)", keyword=Keyword.TIGHT)
def balanced_of_stationary_with_two_decays():
    """With different decays on A and B, `λ_A AᵀA = λ_B BᵀB` at every first-order stationary point."""
    return forall(decays, given=decays.fosp(), then=equal(decays.decay_A * A.T * A, decays.decay_B * B.T * B))


@claim(cite="theory §2, Balance, with LoRA scale", keyword=Keyword.TIGHT)
def balanced_of_stationary_with_scale():
    """The LoRA scale does not change the balance of a first-order stationary point."""
    return forall(scaled, given=[scaled.fosp(), lt(0, lam)], then=equal(A.T * A, B.T * B))


@claim(cite="theory §2, Pairing", keyword=Keyword.TIGHT, uses=["balanced_of_stationary"])
def pairing_of_stationary():
    """At a first-order stationary point `⟨G, X⟩ = −λ‖A‖² = −λ‖B‖²`."""
    return forall(
        s,
        given=s.fosp(),
        then=[
            equal(inner(G, X), -lam * frobenius(A) ** 2),
            equal(inner(G, X), -lam * frobenius(B) ** 2),
        ],
    )


@claim(cite="theory §2, along gradient flow", keyword=Keyword.TIGHT)
def balance_decays_along_gradient_flow():
    """Along gradient flow the imbalance decays at rate 2λ, whatever f is."""
    flow = gradient_flow(L, start=(s.A0, zeros(n, r)))
    return always(flow, then=equal(ddt(A.T * A - B.T * B), -2 * lam * (A.T * A - B.T * B)))


@claim(cite="theory §2, along gradient flow (two decays)", keyword=Keyword.TIGHT)
def balance_along_gradient_flow_with_two_decays():
    """With two decays the imbalance obeys `d/dt(AᵀA − BᵀB) = −2λ_A AᵀA + 2λ_B BᵀB`."""
    flow = gradient_flow(decays.L)
    return always(
        flow,
        then=equal(ddt(A.T * A - B.T * B), -2 * decays.decay_A * A.T * A + 2 * decays.decay_B * B.T * B),
    )


@claim(cite="theory §2, along gradient descent", keyword=Keyword.TIGHT)
def balance_along_gradient_descent():
    """One descent step maps the imbalance Δ to `(1−ηλ)²Δ + η²(BᵀGᵀGB − AᵀGGᵀA)`."""
    descent = gradient_descent(L, step=eta)
    imbalance = A.T * A - B.T * B
    return always(
        descent,
        then=equal(
            after(imbalance),
            (1 - eta * lam) ** 2 * imbalance + eta**2 * (B.T * G.T * G * B - A.T * G * G.T * A),
        ),
    )


@claim(cite="theory §1, Symmetry", keyword=Keyword.TIGHT)
def loss_stationary_along_gauge():
    """The loss does not change to first order along `(AΩ, BΩ)` with Ωᵀ = −Ω."""
    return forall(s, Omega, given=equal(Omega.T, -Omega), then=equal(derivative(L, {A: A * Omega, B: B * Omega}), 0))


@claim(cite="theory §1, Symmetry", keyword=Keyword.TIGHT, uses=["loss_stationary_along_gauge"])
def hessian_vanishes_along_gauge():
    """At a first-order stationary point the Hessian form vanishes on the gauge directions `(AΩ, BΩ)`."""
    return forall(
        s,
        Omega,
        given=[s.fosp(), equal(Omega.T, -Omega)],
        then=equal(derivative(L, {A: A * Omega, B: B * Omega}, order=2), 0),
    )


@claim(cite="theory §1, Symmetry (λ = 0)", keyword=Keyword.TIGHT)
def hessian_vanishes_along_gauge_without_decay():
    """Without decay the Hessian form vanishes on all of `(AK, −BKᵀ)` at a first-order stationary point."""
    return forall(
        free,
        K,
        given=free.fosp(),
        then=equal(derivative(free.L, {A: A * K, B: -B * K.T}, order=2), 0),
    )


@claim(cite="theory §2, SVD form", keyword=Keyword.TIGHT, uses=["balanced_of_stationary"])
def gradient_acts_as_minus_lambda_on_singular_spaces():
    """SVD form: on the singular spaces of X the gradient acts as −λ times the polar factor, so `GᵀGX_r = λ²X_r` there."""
    return forall(
        s,
        given=s.fosp(),
        then=[
            equal(G.T * G * B, lam**2 * B),
            equal(G * G.T * A, lam**2 * A),
            equal(G * X.T, X * G.T),
        ],
    )


@claim(cite="theory §2, SVD form", keyword=Keyword.UPPER)
def singular_values_of_gradient_reach_decay():
    """SVD form: G has at least rank X singular values equal to λ, so `‖G‖_op ≥ λ` where X ≠ 0."""
    return forall(s, given=[s.fosp(), lt(0, lam), distinct(X, 0)], then=le(lam, spectral(G)))
