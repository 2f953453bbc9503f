"""General quadratics `½⟨X−M, H(X−M)⟩` with a prescribed spectrum, for the tests and the benchmark of the point finder."""

from __future__ import annotations

import numpy as np
import sympy as sp

from verify.language.curvature import function_of
from verify.language.functions import inner, operator
from verify.language.settings import lora
from verify.language.translate import term_of
from verify.losses.problem import Problem


def spectra(rng, count, size, low, high):
    """Symmetric matrices with spectrum in [low, high], both ends attained."""
    frame, _ = np.linalg.qr(rng.standard_normal((count, size, size)))
    values = np.concatenate([np.full((count, 1), low), rng.uniform(low, high, (count, size - 1))], axis=1)
    values[:, -1] = high
    matrix = (frame * values[:, None, :]) @ np.swapaxes(frame, -1, -2)
    return (matrix + np.swapaxes(matrix, -1, -2)) / 2


def quadratic(rng, count, m, n, r, *, spectrum=(1.0, 10.0), decay=0.05, target=None, operators=None):
    """A stack of problems with a random target M of full rank."""
    M = sp.MatrixSymbol("M", *sp.symbols("m n", integer=True, positive=True))
    H = operator("H", M.shape)
    s = lora(loss=lambda X: inner(X - M, H(X - M)) / 2)
    low, high = (float(x) for x in spectrum)
    return Problem(
        "quadratic",
        term_of(s.L),
        ((term_of(s.A), term_of(s.B)),),
        function_of(s.f),
        {"m": m, "n": n, "r": r},
        {"M": rng.standard_normal((count, m, n)) if target is None else target, "λ": np.full(count, float(decay))},
        {"H": spectra(rng, count, m * n, low, high) if operators is None else operators},
        weight=np.full(count, float(decay)),
        convex=low >= 0,
        alpha=np.full(count, low),
        beta=np.full(count, high),
        count=count,
    )
