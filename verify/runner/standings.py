"""What float instances are to a claim: active, 0 against 0, undecided, violating. Runs and hunts both ask here.

Main definitions: `Standings`, `standings`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.calculus.conditions import Condition
from verify.evaluation.batches import Batch
from verify.evaluation.decide import FALSE, TRUE, UNDECIDED, Decisions, decide
from verify.points.sources.branches import AT_TARGET
from verify.runner.assumed import Plain
from verify.runner.weighing import Counts

Array = Any


@dataclass(frozen=True)
class Standings:
    """Masks over a batch.

    Attributes:
        then: the conclusion as it was decided.
        active: assumptions met, and the conclusion says something.
        idle: assumptions met, and the conclusion compares 0 with 0.
        without: assumptions met, and a side of the conclusion has no value.
        violated: active, and the conclusion is false.
        unclear: it is open whether they violate the claim.
        tied: a strict assumption is a tie.
        tied_open: those of them away from X⋆ where the conclusion is not clearly true.
    """

    then: Decisions
    active: Array
    idle: Array
    without: Array
    violated: Array
    unclear: Array
    tied: Array
    tied_open: Array

    def counts(self, *, empty: bool) -> Counts:
        """The same as numbers.

        Args:
            empty: whether the conclusion compares 0 with 0 at all instances of these sizes.
        """
        idle = int(self.idle.sum())
        return Counts(
            n=len(self.active),
            n_active=int(self.active.sum()),
            n_undecided=int(self.unclear.sum()),
            n_forced=0 if empty else idle,
            n_trivial=idle if empty else 0,
            n_without=int(self.without.sum()),
            n_open=int((self.unclear & ~self.active).sum()),
            n_ties=int(self.tied.sum()),
            n_ties_open=int(self.tied_open.sum()),
        )


def standings(state: Batch, conclusion: Condition, read: tuple[Array, Array], plain: Plain) -> Standings:
    """What the instances of a batch are.

    Args:
        state: where the conclusion is read.
        conclusion: opened with the batch's functions.
        read: the assumptions' truths and where a strict one is a tie (`assumptions`).
        plain: the claim at plain instances.
    """
    truths, ties = read
    (then,) = decide([conclusion], state, known=plain.known(state, conclusion))
    assumed = np.min(truths, axis=0)
    # At an approximate point a strict assumption that is a tie says nothing: at the exact one nearby it may well be false.
    tied = (assumed == UNDECIDED) & ties & ~then.noise
    assumed = np.where(tied, FALSE, assumed)
    met = assumed == TRUE
    without = met & ~then.noise & np.isnan(then.margin)
    active = met & ~then.noise & ~without
    possible = (assumed >= UNDECIDED) & ~then.noise
    # A tie on both sides shows neither a violation nor that the instance is one of the claim's; a NaN may hide either.
    tie = (assumed == UNDECIDED) & np.isfinite(then.margin)
    open_to = np.where(assumed == UNDECIDED, then.truth != TRUE, then.truth == UNDECIDED)
    return Standings(
        then,
        active,
        met & then.noise,
        without,
        active & (then.truth == FALSE),
        possible & open_to & ~(tie & (then.truth == UNDECIDED)) & ~without,
        tied,
        tied & (then.truth != TRUE) & (not state.family.endswith(AT_TARGET)),
    )
