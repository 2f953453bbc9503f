"""Named sources of instances other than the generated ones: points and training runs on real data sets."""

from __future__ import annotations

from dataclasses import dataclass

from verify.language.errors import ClaimError

DATASETS = ("digits", "cancer", "network")
INITIALIZATIONS = ("zero", "large")
METHODS = ("descent", "flow")


@dataclass(frozen=True)
class Dataset:
    """A trained and polished point of a LoRA problem on real data (`points.data.datasets` makes it)."""

    name: str
    rank: int
    init: str

    def __str__(self) -> str:
        return f"{self.name} (rank {self.rank}, {self.init} initialization)"


@dataclass(frozen=True)
class Training:
    """The states of one training run of a LoRA problem on real data (`points.data.runs` makes them)."""

    name: str
    rank: int
    init: str
    method: str
    steps: int

    def __str__(self) -> str:
        kind = "gradient descent with line search" if self.method == "descent" else "gradient flow"
        return f"{self.steps} steps of {kind} on {self.name} (rank {self.rank}, {self.init} initialization)"


def dataset(name: str, *, rank: int = 4, init: str = "zero") -> Dataset:
    """Instances from a real data set, for `on(claim, source=dataset("digits", rank=4, init="zero"))`.

    Values by name: A, B, `λ`, `X⋆` with its witness `S`, the function `f`, and `α`, which is α_pair (1 at X⋆, where it is 0/0).

    Args:
        name: `digits`: softmax regression on the handwritten digits bundled with scikit-learn (extra `data`); `cancer`:
            logistic regression on its breast-cancer data, the update 10×3; `network`: the first layer of a two-layer tanh
            network on the digits (f is not convex).
        rank: the LoRA rank r.
        init: the initialization, `zero` (A Gaussian and small, B = 0) or `large` (both factors Gaussian).

    Raises:
        ClaimError: for unknown names and ranks below 1.
    """
    _check(name, rank, init)
    return Dataset(name, rank, init)


def training(name: str, *, rank: int = 2, init: str = "zero", method: str = "descent", steps: int = 60) -> Training:
    """Every state of a training run on real data, for `on(claim, source=training("digits", rank=2, init="zero"))`.

    A `forall` claim is read at every state, an `always` claim along a gradient flow at every state of a flow from its start.
    Values are those of `dataset(...)`, A and B at the state, and, by name: `A0` the start of A, `Y` = X⋆, `z` the last right
    singular vector of `[A; B]`. Columns of a `singular_pair`, and what makes a state an exact point of a tilted loss (C, D
    and `γ = (−λ_min(∇²L))_+`, theory §8), are computed.

    Args:
        name, rank: as for `dataset`.
        init: `zero`: A Gaussian with entries of variance 1/r, B = 0; `large`: both factors Gaussian, standard deviation 2.
        method: `descent`, with Armijo's line search; or `flow`, by SciPy's `solve_ivp`.
        steps: the number of steps, or of times at which the flow is seen.

    Raises:
        ClaimError: for unknown names, ranks below 1 and runs without a step.
    """
    _check(name, rank, init)
    if method not in METHODS:
        raise ClaimError(f"the method {method!r} is unknown: use one of {', '.join(METHODS)}")
    if steps < 1:
        raise ClaimError(f"steps={steps}: a run has at least one step")
    return Training(name, rank, init, method, steps)


def _check(name: str, rank: int, init: str) -> None:
    if name not in DATASETS:
        raise ClaimError(f"the data set {name!r} is unknown: use one of {', '.join(DATASETS)}")
    if init not in INITIALIZATIONS:
        raise ClaimError(f"the initialization {init!r} is unknown: use one of {', '.join(INITIALIZATIONS)}")
    if rank < 1:
        raise ClaimError(f"rank={rank}: the LoRA rank is at least 1")
