"""The losses as SymPy expressions, one function a family; everything else about them is derived.

Main definitions: `Adapted`, one function for each family.

Notation
    X is the `m×n` update, `‖·‖` the Frobenius norm. Data: M a target, C a linear term `⟨C, X⟩` (any gradient at one chosen
    point, theory §0), P a mask, W weights, Z inputs, Y and T and y labels, G and Φ linear measurements, H an operator.
    Layers of networks: frozen weights W1, W2 (or Wq, Wk), adapters (A1, B1) and (A2, B2), all of rank r.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from verify.language.functions import (
    Smooth,
    dimensions,
    elementwise,
    frobenius,
    hadamard,
    inner,
    logsumexp,
    matrices,
    measurement,
    nonnegatives,
    ones,
    operator,
    softmax,
    softplus,
)
from verify.language.nodes import Expression
from verify.language.settings import lora


@dataclass(frozen=True)
class Adapted:
    """A loss in adapted matrices, in SymPy.

    Attributes:
        loss: the LoRA loss with its decay λ.
        pairs: the factors (A, B) of every adapter.
        full: f as a function of the update, for one adapter (None for several).
    """

    loss: Expression
    pairs: tuple[tuple[Any, Any], ...]
    full: Smooth | None


def _single(formula: Callable[[Any, Any, Any], Expression]) -> Adapted:
    """One adapter: the setting of theory §0 with a formula in `(X, m, n)`."""
    m, n = dimensions("m n")
    setting = lora(m=m, n=n, loss=lambda X: formula(X, m, n))
    return Adapted(setting.L, ((setting.A, setting.B),), setting.f)


def _sum(matrix: Expression) -> Expression:
    """The sum of all entries."""
    return inner(ones(*matrix.shape), matrix)


def _linear(X: Expression, m: Any, n: Any) -> Expression:
    return inner(matrices("C", m, n), X)


def factorization() -> Adapted:
    """`½‖X − M‖²` (theory §5)."""
    return _single(lambda X, m, n: frobenius(X - matrices("M", m, n)) ** 2 / 2)


def quadratic() -> Adapted:
    """`½⟨X − M, H(X − M)⟩` with a symmetric operator H."""

    def formula(X: Expression, m: Any, n: Any) -> Expression:
        move = X - matrices("M", m, n)
        return inner(move, operator("H", (m, n))(move)) / 2

    return _single(formula)


def curved() -> Adapted:
    """`½⟨X − M, H(X − M)⟩ + ⟨C, X⟩`: H may be singular, and the minimum elsewhere."""

    def formula(X: Expression, m: Any, n: Any) -> Expression:
        move = X - matrices("M", m, n)
        return inner(move, operator("H", (m, n))(move)) / 2 + _linear(X, m, n)

    return _single(formula)


def sensing() -> Adapted:
    """`½‖Φ(X) − y‖² + ⟨C, X⟩` with N linear measurements."""
    N = dimensions("N")

    def formula(X: Expression, m: Any, n: Any) -> Expression:
        return frobenius(measurement("Φ", N, (m, n))(X) - matrices("y", N, 1)) ** 2 / 2 + _linear(X, m, n)

    return _single(formula)


def completion() -> Adapted:
    """`½‖P ∘ (X − M)‖² + ⟨C, X⟩` with a mask P of zeros and ones."""

    def formula(X: Expression, m: Any, n: Any) -> Expression:
        P, M = matrices("P M", m, n)
        return frobenius(hadamard(P, X - M)) ** 2 / 2 + _linear(X, m, n)

    return _single(formula)


def weighted() -> Adapted:
    """`½⟨X − M, W ∘ (X − M)⟩` with positive weights W (Srebro & Jaakkola 2003)."""

    def formula(X: Expression, m: Any, n: Any) -> Expression:
        W, M = matrices("W M", m, n)
        return inner(X - M, hadamard(W, X - M)) / 2

    return _single(formula)


def logistic() -> Adapted:
    """`(1/N) Σ softplus(−Y ∘ ZX) + ⟨C, X⟩`: n logistic regressions on N inputs, labels Y = ±1."""
    N = dimensions("N")

    def formula(X: Expression, m: Any, n: Any) -> Expression:
        Z, Y = matrices("Z", N, m), matrices("Y", N, n)
        return _sum(softplus(-hadamard(Y, Z * X))) / N + _linear(X, m, n)

    return _single(formula)


def cross_entropy() -> Adapted:
    """`(1/N) (Σ logsumexp(ZX) − ⟨T, ZX⟩) + ⟨C, X⟩`: softmax regression with n classes, one-hot labels T."""
    N = dimensions("N")

    def formula(X: Expression, m: Any, n: Any) -> Expression:
        logits = matrices("Z", N, m) * X
        return (_sum(logsumexp(logits)) - inner(matrices("T", N, n), logits)) / N + _linear(X, m, n)

    return _single(formula)


def oscillating() -> Adapted:
    """`½‖X‖² + 2Σ sin X_ij + ⟨C, X⟩`, not convex."""
    return _single(lambda X, m, n: frobenius(X) ** 2 / 2 + 2 * _sum(elementwise(sp.sin, X)) + _linear(X, m, n))


def linearized_squared() -> Adapted:
    """`(1/N) Σ_i ½(⟨G_i, X⟩ − y_i)² + ⟨C, X⟩` (theory §5, NTK regime)."""
    N = dimensions("N")

    def formula(X: Expression, m: Any, n: Any) -> Expression:
        return frobenius(measurement("G", N, (m, n))(X) - matrices("y", N, 1)) ** 2 / (2 * N) + _linear(X, m, n)

    return _single(formula)


def linearized_logistic() -> Adapted:
    """`(1/N) Σ_i softplus(−y_i⟨G_i, X⟩) + ⟨C, X⟩`, y_i = ±1 (theory §5, NTK regime)."""
    N = dimensions("N")

    def formula(X: Expression, m: Any, n: Any) -> Expression:
        return _sum(softplus(-hadamard(matrices("y", N, 1), measurement("G", N, (m, n))(X)))) / N + _linear(X, m, n)

    return _single(formula)


def _decayed(loss: Expression, pairs: tuple[tuple[Any, Any], ...]) -> Adapted:
    decay = nonnegatives("λ")
    squares = sum(frobenius(V) ** 2 for pair in pairs for V in pair)
    return Adapted(loss + decay / 2 * squares, pairs, None)


def _two_layers(activation: Callable[[Expression], Expression]) -> Adapted:
    """`(1/2N)‖φ(Z(W1 + A1B1ᵀ))(W2 + A2B2ᵀ) − T‖²` with the decay of all four factors."""
    N, d, h, k, r = dimensions("N d h k r")
    A1, B1 = matrices("A1", d, r), matrices("B1", h, r)
    A2, B2 = matrices("A2", h, r), matrices("B2", k, r)
    hidden = activation(matrices("Z", N, d) * (matrices("W1", d, h) + A1 * B1.T))
    error = hidden * (matrices("W2", h, k) + A2 * B2.T) - matrices("T", N, k)
    return _decayed(frobenius(error) ** 2 / (2 * N), ((A1, B1), (A2, B2)))


def gelu(x: Expression) -> Expression:
    """`x(1 + erf(x/√2))/2`, entrywise."""
    return elementwise(lambda t: t * (1 + sp.erf(t / sp.sqrt(2))) / 2, x)


def network_tanh() -> Adapted:
    """Two layers with tanh."""
    return _two_layers(lambda x: elementwise(sp.tanh, x))


def network_softplus() -> Adapted:
    """Two layers with softplus."""
    return _two_layers(softplus)


def network_gelu() -> Adapted:
    """Two layers with GELU."""
    return _two_layers(gelu)


def attention() -> Adapted:
    """`½‖softmax(Z(Wq + A1B1ᵀ)(Wk + A2B2ᵀ)ᵀZᵀ)V − T‖²`: one head on a sequence of N tokens, values V."""
    N, d, h, k, r = dimensions("N d h k r")
    A1, B1 = matrices("A1", d, r), matrices("B1", h, r)
    A2, B2 = matrices("A2", d, r), matrices("B2", h, r)
    Z, V, T = matrices("Z", N, d), matrices("V", N, k), matrices("T", N, k)
    queries, keys = matrices("Wq", d, h) + A1 * B1.T, matrices("Wk", d, h) + A2 * B2.T
    head = softmax(Z * queries * keys.T * Z.T) * V
    return _decayed(frobenius(head - T) ** 2 / 2, ((A1, B1), (A2, B2)))
