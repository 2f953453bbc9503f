"""Named sources of instances other than the generated ones: real data sets."""

from __future__ import annotations

from dataclasses import dataclass

from verify.language.errors import ClaimError

DATASETS = ("digits", "cancer", "network")
INITIALIZATIONS = ("zero", "large")


@dataclass(frozen=True)
class Dataset:
    """A trained and polished point of a LoRA problem on real data (`points.data.datasets` makes it)."""

    name: str
    rank: int
    init: str

    def __str__(self) -> str:
        return f"{self.name} (rank {self.rank}, {self.init} initialization)"


def dataset(name: str, *, rank: int = 4, init: str = "zero") -> Dataset:
    """Instances from a real data set, for `on(claim, source=dataset("digits", rank=4, init="zero"))`.

    Args:
        name: `digits`: softmax regression on the handwritten digits bundled with scikit-learn (extra `data`); `cancer`:
            logistic regression on its breast-cancer data, the update 10×3; `network`: the first layer of a two-layer tanh
            network on the digits (f is not convex).
        rank: the LoRA rank r.
        init: the initialization, `zero` (A Gaussian and small, B = 0) or `large` (both factors Gaussian).

    Raises:
        ClaimError: for unknown names and ranks below 1.
    """
    if name not in DATASETS:
        raise ClaimError(f"the data set {name!r} is unknown: use one of {', '.join(DATASETS)}")
    if init not in INITIALIZATIONS:
        raise ClaimError(f"the initialization {init!r} is unknown: use one of {', '.join(INITIALIZATIONS)}")
    if rank < 1:
        raise ClaimError(f"rank={rank}: the LoRA rank is at least 1")
    return Dataset(name, rank, init)
