"""The setting of theory §0: `lora()` gives A, B, X = ABᵀ, f, the LoRA loss L and the statements about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from verify.language.errors import ClaimError
from verify.language.exact_numbers import sympified
from verify.language.functions import Smooth, frobenius, function, smooth
from verify.language.nodes import Expression
from verify.language.statements import RegularizedStationary, Stationary, fosp, sosp
from verify.language.targets import TargetDefinition, regularized_stationary
from verify.language.terms import Term
from verify.language.translate import declared_term_of, dim_of


@dataclass(frozen=True)
class Setting:
    """The LoRA loss `L(A, B) = f(sABᵀ) + (λ_A/2)‖A‖_F² + (λ_B/2)‖B‖_F²` and its symbols (theory §0).

    Attributes:
        m, n, r: dimensions; A is `m×r`, B is `n×r`.
        A, B, A0, B0: the factors and their starting values.
        f: the full loss of the update X, a function of an `m×n` matrix.
        decay_A, decay_B: the weight decays, non-negative; `decay` is their common value.
        scale: the LoRA scale s (lora_alpha/r), 1 unless asked for.
    """

    m: Any
    n: Any
    r: Any
    A: Any
    B: Any
    A0: Any
    B0: Any
    f: Smooth
    decay_A: Any
    decay_B: Any
    scale: Any

    @property
    def X(self) -> Expression:
        """The update `X = sABᵀ`, `m×n`."""
        return self.A * self.B.T if self.scale == 1 else self.scale * self.A * self.B.T

    @property
    def L(self) -> Expression:
        """The LoRA loss."""
        if self.decay_A == self.decay_B:
            return self.f(self.X) + self.decay_A / 2 * (frobenius(self.A) ** 2 + frobenius(self.B) ** 2)
        return self.f(self.X) + self.decay_A / 2 * frobenius(self.A) ** 2 + self.decay_B / 2 * frobenius(self.B) ** 2

    @property
    def decay(self) -> Expression:
        """The common weight decay λ.

        Raises:
            ClaimError: if the setting has two different decays.
        """
        if self.decay_A != self.decay_B:
            raise ClaimError("the setting has two decays: use s.decay_A and s.decay_B")
        return self.decay_A

    @property
    def nuclear_weight(self) -> Expression:
        """The effective weight of the nuclear norm: `√(λ_A λ_B)/s` (theory §0)."""
        if self.decay_A == self.decay_B:
            return self.decay_A / self.scale
        return sp.sqrt(self.decay_A * self.decay_B) / self.scale

    def fosp(self) -> Stationary:
        """(A, B) is a first-order stationary point of L."""
        return fosp(self.L, of=[self.A, self.B])

    def sosp(self) -> Stationary:
        """(A, B) is a second-order stationary point of L: `∇L = 0` and `∇²L ⪰ 0`."""
        return sosp(self.L, of=[self.A, self.B])

    def regularized_stationary(self) -> tuple[Any, Any]:
        """X⋆ and its dual witness S: `−∇f(X⋆) = λS`, `S ∈ ∂‖X⋆‖_*`, rank X⋆ ≤ r (theory §0).

        The statement comes with the symbols: a claim that mentions one of them assumes it.
        """
        definition = TargetDefinition(self.f.written, self.nuclear_weight, self.r)
        return definition.point, definition.witness

    def stationary_definition(self) -> RegularizedStationary:
        """The statement that X⋆ and S stand for; a claim that states it itself assumes nothing more of X⋆."""
        point, witness = self.regularized_stationary()
        return regularized_stationary(self.f, self.nuclear_weight, point, witness)

    def dimensions(self) -> tuple[Any, ...]:
        """The sizes that are symbols."""
        return tuple(d for d in (self.m, self.n, self.r) if isinstance(d, sp.Symbol))

    def variables(self) -> dict[str, Term]:
        """The setting's own scalar and matrix variables by name."""
        shown = (self.A, self.B, self.A0, self.B0, self.decay_A, self.decay_B, self.scale)
        terms = [declared_term_of(v) for v in shown if isinstance(v, sp.Symbol | sp.MatrixSymbol)]
        return {t.payload[0]: t for t in terms}


def lora(
    *,
    m: Any = None,
    n: Any = None,
    r: Any = None,
    loss: Callable[[Any], Any] | None = None,
    decay: Any = None,
    decays: tuple[Any, Any] | None = None,
    scale: Any = 1,
) -> Setting:
    """The setting of theory §0.

    Args:
        m, n, r: dimensions, symbolic unless given (integers, or one symbol for two equal dimensions).
        loss: a formula for f, `lambda X: frobenius(X - M)**2 / 2`; an opaque C² function unless given.
        decay: the weight decay, the symbol λ ≥ 0 unless given (a number, a symbol).
        decays: two different decays on A and B, instead of `decay`.
        scale: the LoRA scale s, a number or a positive symbol.

    >>> s = lora()
    >>> s.A.shape
    (m, r)
    """
    rows, cols, inner = (_size(k, v) for k, v in zip("mnr", (m, n, r), strict=True))
    if decay is not None and decays is not None:
        raise ClaimError("both decay and decays are given: give one of them")
    if decays is None:
        common = sp.Symbol("λ", nonnegative=True) if decay is None else sympified(decay)
        decays = (common, common)
    for value in decays:
        if getattr(sympified(value), "is_negative", False):
            raise ClaimError(f"the weight decay {value} is negative: λ is at least 0")
    scale = sympified(scale)
    if getattr(scale, "is_nonpositive", False):
        raise ClaimError(f"the scale {scale} is not positive")
    return Setting(
        rows,
        cols,
        inner,
        sp.MatrixSymbol("A", rows, inner),
        sp.MatrixSymbol("B", cols, inner),
        sp.MatrixSymbol("A0", rows, inner),
        sp.MatrixSymbol("B0", cols, inner),
        smooth("f", (rows, cols)) if loss is None else function(loss, (rows, cols)),
        sympified(decays[0]),
        sympified(decays[1]),
        scale,
    )


def _size(name: str, value: Any) -> Any:
    if value is None:
        return sp.Symbol(name, integer=True, positive=True)
    try:
        dim_of(value)
    except ClaimError as error:
        raise type(error)(f"lora({name}={value}): {error}") from None
    return sympified(value)
