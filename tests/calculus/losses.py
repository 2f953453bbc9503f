"""The losses every derivative rule is tried on: name to (loss, adapted variables)."""

from __future__ import annotations

import sympy as sp

from verify.language.functions import (
    dimensions,
    elementwise,
    frobenius,
    hadamard,
    identity,
    inner,
    inverse,
    logdet,
    logsumexp,
    measurement,
    ones,
    operator,
    scalars,
    smooth,
    softmax,
    softplus,
    trace,
)

m, n, r, d, h, k, N = dimensions("m n r d h k N")
lam, la, lb, s, eta = scalars("λ λ_A λ_B s η")
A, B, M, Y = sp.MatrixSymbol("A", m, r), sp.MatrixSymbol("B", n, r), sp.MatrixSymbol("M", m, n), sp.MatrixSymbol("Y", m, n)
W, mask = sp.MatrixSymbol("W", m, n), sp.MatrixSymbol("P", m, n)
X = A * B.T
f = smooth("f", (m, n))
H, H0 = operator("H", (m, n)), operator("J", (m, n), symmetric=False)
measure = measurement("S", N, (m, n))
y = sp.MatrixSymbol("y", N, 1)
probes = [sp.MatrixSymbol(f"S_{i}", m, n) for i in (1, 2, 3)]
targets = scalars("y_1 y_2 y_3")
Z, W0, T = sp.MatrixSymbol("Z", N, m), sp.MatrixSymbol("W0", m, n), sp.MatrixSymbol("T", N, n)
logits = Z * (W0 + s * X)
K, unit = sp.MatrixSymbol("K", m, m), identity(r)
W1, W2, W3 = sp.MatrixSymbol("W1", d, m), sp.MatrixSymbol("W2", h, d), sp.MatrixSymbol("W3", n, h)
A1, B1, A2, B2 = (sp.MatrixSymbol(x, size, r) for x, size in (("A1", d), ("B1", h), ("A2", h), ("B2", k)))
V1, V2, D, out = (
    sp.MatrixSymbol("V1", d, h),
    sp.MatrixSymbol("V2", h, k),
    sp.MatrixSymbol("D", N, d),
    sp.MatrixSymbol("O", N, k),
)
decay = lam / 2 * (frobenius(A) ** 2 + frobenius(B) ** 2)


def total(x):
    """The sum of all entries."""
    rows, cols = x.shape
    return trace(ones(cols, rows) * x)


def network(activation):
    """Two layers, adapters on both."""
    return frobenius(activation(D * (V1 + s * A1 * B1.T)) * (V2 + A2 * B2.T) - out) ** 2 / 2


def gelu(x):
    return elementwise(lambda t: t * (1 + sp.erf(t / sp.sqrt(2))) / 2, x)


Q1, K1, C1, D1 = (sp.MatrixSymbol(x, d, h) for x in ("Wq", "Wk", "Aq", "Ak"))
AQ, BQ, AK, BK = (
    sp.MatrixSymbol("A1", d, r),
    sp.MatrixSymbol("B1", h, r),
    sp.MatrixSymbol("A2", d, r),
    sp.MatrixSymbol("B2", h, r),
)
G2 = sp.MatrixSymbol("G", N, N)
attention = softmax(D * (Q1 + AQ * BQ.T) * (K1 + AK * BK.T).T * D.T)

LOSSES = {
    "squared distance": (frobenius(s * X - M) ** 2 / 2, [A, B]),
    "squared distance, decay": (frobenius(X - M) ** 2 / 2 + decay, [A, B]),
    "quadratic": (inner(X - M, H(X - M)) / 2, [A, B]),
    "quadratic, operator not symmetric": (inner(X - M, H0(X - M)) / 2, [A, B]),
    "sensing, operator": (frobenius(measure(X) - y) ** 2, [A, B]),
    "sensing, explicit": (sum((inner(P, X) - t) ** 2 for P, t in zip(probes, targets, strict=True)), [A, B]),
    "completion": (frobenius(hadamard(mask, X - M)) ** 2 / 2 + decay, [A, B]),
    "weighted low rank": (inner(hadamard(W, X - M), X - M) / 2, [A, B]),
    "logistic": (total(softplus(-hadamard(Y, X))) + decay, [A, B]),
    "logistic, log(1+exp)": (total(elementwise(lambda t: sp.log(1 + sp.exp(t)), X)) - inner(Y, X), [A, B]),
    "softmax cross-entropy": (total(logsumexp(logits)) - inner(T, logits), [A, B]),
    "deep linear": (frobenius(W3 * W2 * W1 - M.T) ** 2 / 2, [W1, W2, W3]),
    "log det of a Gram matrix": (logdet(A.T * A + unit), [A]),
    "log det": (logdet(K) + trace(K), [K]),
    "inverse": (trace(inverse(A.T * A + unit)), [A]),
    "distance": (frobenius(X - M), [A, B]),
    "nuclear surrogate": (sp.sqrt(trace(A.T * A) * trace(B.T * B)), [A, B]),
    "powers of traces": (trace(A.T * A) ** 3 + trace(A.T * A) ** sp.Rational(3, 2) * trace(B.T * B), [A, B]),
    "trace of a fourth power": (trace(A.T * A * A.T * A), [A]),
    "opaque": (f(X), [A, B]),
    "opaque, decay": (f(X) + decay, [A, B]),
    "opaque, scale and two decays": (f(s * X) + la / 2 * frobenius(A) ** 2 + lb / 2 * frobenius(B) ** 2, [A, B]),
    "network, tanh": (network(lambda x: elementwise(sp.tanh, x)), [A1, B1, A2, B2]),
    "network, softplus": (network(softplus), [A1, B1, A2, B2]),
    "network, GELU": (network(gelu), [A1, B1, A2, B2]),
    "attention": (trace(G2.T * attention), [AQ, BQ, AK, BK]),
}
