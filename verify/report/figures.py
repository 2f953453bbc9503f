"""The report's pictures of the theory, as inline SVG with a text alternative.

Main definitions: `Figure`, `figures`, `available`.

Implementation notes
    Every picture is computed when the report is written, from fixed seeds, with the same point finder and the same derived
    gradients as the claims. Black is written as `currentColor`, so that the pictures follow the page's colours.

References: theory §4 (Theorems C and D, textbook example), §6 (two initializations).
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from verify.calculus.differentiate import expand, gradients
from verify.losses.families import FAMILIES
from verify.losses.problem import Problem
from verify.losses.spurious import plant_spurious
from verify.losses.textbook import quadratic_of, strict_textbook
from verify.points import Start, Status, find
from verify.points.analysis.classify import Kind, classify
from verify.points.analysis.constants import block_curvature, pair_curvature
from verify.points.analysis.full import evaluated, singular, update_of
from verify.points.analysis.picture import landscape, plot

Array = Any
_LOW, _HIGH = "#3b7dd8", "#d1495b"
"""Blue and red that keep a contrast of 3:1 on white and on near-black; the marks differ in shape as well."""


@dataclass(frozen=True)
class Figure:
    """One picture.

    Attributes:
        name: an anchor.
        title: a heading.
        svg: the picture, without an XML header.
        caption: what is drawn and what to see.
        columns, rows: some of the numbers, as a table.
    """

    name: str
    title: str
    svg: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def available() -> bool:
    """Whether matplotlib is installed (extra `plots`)."""
    return find_spec("matplotlib") is not None


def figures() -> tuple[Figure, ...]:
    """All pictures.

    Raises:
        ImportError: if matplotlib is not installed (extra `plots`).
    """
    return (_singular_values(), _curvatures(), _training(), _frontier())


def _drawn(name: str, draw: Callable[[Any], None]) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure as Canvas

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif", "font.size": 10}):
        canvas = Canvas(figsize=(5.2, 3.9), layout="constrained")
        draw(canvas.subplots())
        stream = io.StringIO()
        canvas.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = stream.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    # Several pictures may stand on one page: keep their ids apart.
    svg = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"#000000\b", "currentColor", svg)
    # Text without an explicit colour would stay black on a dark page.
    return svg.replace("<svg ", '<svg fill="currentColor" ', 1)


def _singular_values() -> Figure:
    found = landscape()
    groups = [("X = X⋆", ~found.spurious), ("spurious", found.spurious)]
    rows = []
    for label, members in groups:
        for k in range(found.relative.shape[1]):
            values = found.relative[members][:, k]
            rows.append((label, str(k + 1), str(len(values)), f"{values.min():.3g}", f"{np.median(values):.3g}"))
    return Figure(
        "singular-values",
        "Low rank, or full rank and large",
        _drawn("singular-values", lambda axes: plot(found, axes)),
        f"Singular values of {len(found.spurious)} second-order points of random and planted quadratic losses (m = 5, n = 4, "
        "r = 2, κ = 10, λ = 0.05), in units of the threshold of Theorem C.2. Every singular value of a spurious point "
        "(triangles) lies above the dashed line at 1; points at X⋆ (circles) have its rank, one or two.",
        ("points", "i", "count", "smallest σᵢ", "median σᵢ"),
        tuple(rows),
    )


def _curvatures() -> Figure:
    rng = np.random.default_rng(0)
    count = 160
    planted = plant_spurious(rng, count, 4, 4, 2, np.full(count, 0.05))
    completion = FAMILIES["completion"].sample(rng, count, m=4, n=4, r=1, decay=0.05, star_rank=1)
    a, b = (v.payload[0] for v in planted.problem.pairs[0])
    points = [
        _pairs_of_curvature(planted.problem, {a: planted.left, b: planted.right}),
        _pairs_of_curvature(completion, Start.LARGE),
    ]
    alpha, beta = (np.concatenate(parts) for parts in zip(*points, strict=True))
    ratios = beta / alpha

    def draw(axes: Any) -> None:
        axes.scatter(alpha, beta, s=16, marker="^", color=_HIGH, alpha=0.6, label=f"spurious points ({len(alpha)})")
        ends = np.array([alpha.min() * 0.8, alpha.max() * 1.25])
        axes.plot(ends, 2 * ends, color="black", linestyle="--", linewidth=1, label="Theorem C: β_dir = 2 α_pair")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("α_pair")
        axes.set_ylabel("β_dir")
        axes.set_title("Curvature at spurious points")
        axes.legend(frameon=False)

    return Figure(
        "curvatures",
        "Curvature at spurious points",
        _drawn("curvatures", draw),
        f"α_pair against β_dir at {len(alpha)} spurious second-order points with α_pair > 0. By Theorem C none lies below the "
        f"dashed line β_dir = 2α_pair; the smallest quotient seen is {ratios.min():.4g}.",
        ("quotient β_dir / α_pair", "value"),
        (("smallest", f"{ratios.min():.4g}"), ("median", f"{np.median(ratios):.4g}"), ("largest", f"{ratios.max():.4g}")),
    )


def _pairs_of_curvature(problem: Problem, starts: Any) -> tuple[Array, Array]:
    """α_pair and β_dir at the full-rank spurious points that the finder reaches."""
    found = find(problem, starts, seed=0)
    good = found.pick(np.flatnonzero(found.status == Status.SECOND_ORDER))
    owner = problem.pick(good.instance)
    update = update_of(owner, good.arrays)
    rank = good.arrays[problem.pairs[0][0].payload[0]].shape[-1]
    pair, block = pair_curvature(owner, update), block_curvature(owner, update, rank)
    assert owner.star is not None
    apart = np.linalg.norm(update - owner.star, axis=(1, 2)) > 1e-5 * np.linalg.norm(owner.star, axis=(1, 2))
    sizes = singular(update)
    full = sizes[:, rank - 1] > 1e-6 * sizes[:, 0]
    kept = apart & full & (pair.alpha > 1e-9 * np.abs(block.beta)) & np.isfinite(block.beta)
    return pair.alpha[kept], block.beta[kept]


def _training() -> Figure:
    example = strict_textbook()
    problem = example.problem
    a, b = (v.payload[0] for v in problem.pairs[0])
    rng = np.random.default_rng(0)
    small = {a: 0.01 * rng.normal(size=(1, 2, 1)), b: np.zeros((1, 2, 1))}
    near = {name: value + 0.05 * rng.normal(size=value.shape) for name, value in example.point.items()}
    runs = {"zero initialization": _descent(problem, small), "start near the spurious point": _descent(problem, near)}

    def draw(axes: Any) -> None:
        styles = ((_LOW, "-"), (_HIGH, "--"))
        for (label, losses), (colour, style) in zip(runs.items(), styles, strict=True):
            axes.plot(np.maximum(losses, 1e-16), color=colour, linestyle=style, linewidth=2, label=label)
        axes.set_yscale("log")
        axes.set_xlabel("gradient-descent step")
        axes.set_ylabel("loss above its minimum, at least 1e-16")
        axes.set_title("One loss, two initializations")
        axes.legend(frameon=False)

    picked = (0, 50, 100, 200, 400)
    return Figure(
        "training",
        "One loss, two initializations",
        _drawn("training", draw),
        "Gradient descent (step 0.05) on the strict textbook example (κ = 4, λ = 0, r = r⋆ = 1). From (A₀, 0) with small A₀ "
        "the loss goes to its minimum 0; from a start near the spurious point it stays at 4/5.",
        ("step", *runs),
        tuple((str(k), *(f"{losses[k]:.3g}" for losses in runs.values())) for k in picked),
    )


def _descent(problem: Problem, start: dict[str, Array], steps: int = 400, rate: float = 0.05) -> Array:
    """The loss at every step of gradient descent, `(steps + 1,)`."""
    loss = expand(problem.loss)
    terms = [loss, *gradients(loss, problem.variables)]
    state, losses = dict(start), []
    for _ in range(steps + 1):
        value, *slopes = evaluated(problem, terms, state)
        losses.append(float(value[0]))
        moves = zip(problem.variables, slopes, strict=True)
        state = {v.payload[0]: state[v.payload[0]] - rate * slope for v, slope in moves}
    return np.array(losses)


def _frontier() -> Figure:
    kappa = np.concatenate([np.linspace(3.0, 8.0, 11), np.geomspace(10.0, 50.0, 6)])
    wanted = frontier(kappa)
    found, ratio = _attained(kappa, wanted)

    def draw(axes: Any) -> None:
        grid = np.geomspace(3.0, 50.0, 200)
        axes.plot(grid, frontier(grid), color=_LOW, linewidth=2, label="Theorem D")
        axes.plot(grid, 1 / grid, color="black", linestyle="--", linewidth=1, label="proved bound 1/κ (Theorem C.2)")
        axes.scatter(kappa[found], ratio[found], marker="^", s=28, color=_HIGH, label="spurious points", zorder=3)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks([3, 5, 10, 20, 50], ["3", "5", "10", "20", "50"])
        axes.set_yticks([0.5, 0.2, 0.1, 0.05, 0.02], ["0.5", "0.2", "0.1", "0.05", "0.02"])
        axes.minorticks_off()
        axes.set_xlabel("κ")
        axes.set_ylabel("t(κ) = smallest σ(X) / σ(X⋆)")
        axes.set_title("Sharpness: how small a spurious point can be")
        axes.legend(frameon=False)

    return Figure(
        "frontier",
        "Sharpness of the bound",
        _drawn("frontier", draw),
        f"The smallest ratio t = σ(X)/σ(X⋆) of a spurious point for r = r⋆ = 1 and uniform curvature. {int(found.sum())} of "
        f"{len(kappa)} constructed points (triangles) are confirmed as second-order and spurious in floating point; they lie "
        "on the curve of Theorem D, which comes close to the bound 1/κ as κ grows.",
        ("κ", "t measured", "Theorem D", "1/κ"),
        tuple(
            (f"{k:.3g}", f"{x:.4f}" if ok else "not confirmed", f"{w:.4f}", f"{1 / k:.4f}")
            for k, x, w, ok in zip(kappa, ratio, wanted, found, strict=True)
        ),
    )


def frontier(kappa: Array) -> Array:
    """`2 / (κ + 1 + √((κ−1)² − 4))`: Theorem D's bound for r = r⋆ = 1, for κ ≥ 3."""
    return 2 / (kappa + 1 + np.sqrt((kappa - 1) ** 2 - 4))


def _attained(kappa: Array, t: Array) -> tuple[Array, Array]:
    """Quadratics whose spurious point is t·e₁e₁ᵀ for X⋆ = e₂e₂ᵀ: whether it is confirmed, and its measured ratio.

    On (x₁₁, x₂₂) the operator is `I + (κ−1)ppᵀ` with p along `g − v`, v = X − X⋆ and g = (0, −κt) its image; on (x₁₂, x₂₁)
    it is κI. Then G = −κt·e₂e₂ᵀ and Lemma B holds with equality.
    """
    count = len(kappa)
    operator = np.zeros((count, 4, 4))
    for i, (k, s) in enumerate(zip(kappa, t, strict=True)):
        p = np.array([-s, 1 - k * s])
        corner = np.eye(2) + (k - 1) * np.outer(p, p) / (p @ p)
        operator[i][np.ix_([0, 3], [0, 3])] = corner
        operator[i, 1, 1] = operator[i, 2, 2] = k
    operator = (operator + np.swapaxes(operator, 1, 2)) / 2
    star = np.broadcast_to(np.diag([0.0, 1.0]), (count, 2, 2)).copy()
    problem = quadratic_of(operator, star, np.zeros(count), 1, star=star, witness=np.zeros_like(star))
    a, b = (v.payload[0] for v in problem.pairs[0])
    first = np.array([[1.0], [0.0]])
    point = {a: np.sqrt(t)[:, None, None] * first, b: np.sqrt(t)[:, None, None] * first}
    kinds = classify(problem, point)
    update = update_of(problem, point)
    ratio = singular(update)[:, 0] / singular(star)[:, 0]
    return kinds.where(Kind.SPURIOUS), ratio
