"""Hypothesis strategies for small exact instances: the kind a person would write down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from hypothesis import strategies as st

from verify.calculus.conditions import Condition
from verify.evaluation.rational_linear_algebra import inverse, product, transposed
from verify.language.domains import Domain
from verify.language.formulas import Formula
from verify.language.terms import Dim
from verify.losses.taylor import data_name
from verify.points.sources.bounds import scalar_domains
from verify.points.sources.dimensions import about_dimensions, allowed
from verify.search.instances import ExactInstance, Rows, rows_of, symmetrized

_WHOLE = [Fraction(k) for k in (0, 1, -1, 2, -2, 3, -3)]
_PARTS = sorted({Fraction(k, d) for k in range(-6, 7) for d in (1, 2, 3, 5)}, key=lambda x: (x.denominator, abs(x), x < 0))
_ENTRIES = st.sampled_from([*_WHOLE * 7, *_PARTS])
"""Half of them small whole numbers, the simplest first; one choice each, as a matrix needs dozens."""


@lru_cache(maxsize=256)
def _matrix(rows: int, cols: int) -> st.SearchStrategy[Rows]:
    plain = st.lists(st.lists(_ENTRIES, min_size=cols, max_size=cols), min_size=rows, max_size=rows).map(rows_of)
    zero = st.just(rows_of([[0] * cols] * rows))
    diagonal = st.lists(_ENTRIES, min_size=min(rows, cols), max_size=min(rows, cols)).map(
        lambda d: rows_of([[d[i] if i == j else 0 for j in range(cols)] for i in range(rows)])
    )
    kinds = [plain, diagonal, zero, _orthonormal(rows, cols), _known_singular_values(rows, cols)]
    if rows == cols:
        kinds += [plain.map(symmetrized), plain.map(_skew)]
    return st.one_of(*kinds)


def _skew(rows: Rows) -> Rows:
    n = len(rows)
    return tuple(tuple(Fraction(0) if i == j else rows[i][j] if i < j else -rows[j][i] for j in range(n)) for i in range(n))


@st.composite
def _orthogonal(draw: Any, size: int) -> list[list[Fraction]]:
    """A rational orthogonal matrix: Cayley's `(I − K)(I + K)⁻¹` of a small skew K, or a signed permutation."""
    if size == 1:
        return [[Fraction(draw(st.sampled_from([1, -1])))]]
    if draw(st.booleans()):
        order = draw(st.permutations(range(size)))
        signs = draw(st.lists(st.sampled_from([1, -1]), min_size=size, max_size=size))
        return [[Fraction(signs[i] if order[i] == j else 0) for j in range(size)] for i in range(size)]
    upper = [[draw(st.sampled_from([0, 0, 1, -1, 2])) if j > i else 0 for j in range(size)] for i in range(size)]
    minus = [[Fraction(int(i == j) - upper[i][j] + upper[j][i]) for j in range(size)] for i in range(size)]
    plus = [[Fraction(int(i == j) + upper[i][j] - upper[j][i]) for j in range(size)] for i in range(size)]
    return product(minus, inverse(plus))


@st.composite
def _orthonormal(draw: Any, rows: int, cols: int) -> Rows:
    """Orthonormal columns, or rows where the matrix is wide."""
    big = draw(_orthogonal(max(rows, cols)))
    return rows_of([row[:cols] for row in big[:rows]])


@st.composite
def _known_singular_values(draw: Any, rows: int, cols: int) -> Rows:
    """`UΣVᵀ` with rational U, Σ, V."""
    left, right = draw(_orthogonal(rows)), draw(_orthogonal(cols))
    sizes = draw(st.lists(st.sampled_from([0, 1, 1, 2, 3]), min_size=min(rows, cols), max_size=min(rows, cols)))
    middle = [[Fraction(sizes[i]) if i == j else Fraction(0) for j in range(cols)] for i in range(rows)]
    return rows_of(product(product(left, middle), transposed(right)))


_WIDE = 10
"""Intervals longer than this are looked at near their ends and near 0 as well."""


def _scalar(domain: Domain) -> st.SearchStrategy[Fraction]:
    low = domain.least if domain.above is None else domain.above
    high = domain.most if domain.below is None else domain.below
    steps = st.one_of(st.integers(0, 5).map(Fraction), st.builds(Fraction, st.integers(1, 8), st.sampled_from([2, 3, 5, 10])))
    if low is not None and high is not None:
        inside = st.builds(lambda k, n: low + (high - low) * Fraction(k, n), st.integers(0, 6), st.sampled_from([6, 10]))
        ends = st.one_of(steps.map(lambda x: low + x), steps.map(lambda x: high - x), _ENTRIES)
        found: st.SearchStrategy[Fraction] = inside if high - low <= _WIDE else st.one_of(inside, ends)
    elif low is not None:
        found = steps.map(lambda x: low + x)
    elif high is not None:
        found = steps.map(lambda x: high - x)
    else:
        found = _ENTRIES
    if domain.integer:
        found = found.map(lambda x: Fraction(int(x)))
    return found.filter(domain.contains)


@st.composite
def exact_instances(draw: Any, formula: Formula, conditions: Sequence[Condition], largest: int = 3) -> ExactInstance:
    """Small sizes, small rationals, structured matrices; two matrices are sometimes equal or balanced."""
    rules = about_dimensions(conditions)
    dims = draw(st.fixed_dictionaries({n: st.integers(1, largest) for n in formula.dims}).filter(lambda d: allowed(d, rules)))
    matrices: dict[str, Rows] = {}
    for name, shape in formula.matrices().items():
        rows, cols = sizes_of(shape, dims)
        twins = [m for m in matrices.values() if (len(m), len(m[0])) == (rows, cols)]
        balanced = [m for m in matrices.values() if len(m[0]) == cols and len(m) != rows]
        kind = draw(st.sampled_from(["new", "new", "new", "twin", "balanced"]))
        if kind == "twin" and twins:
            matrices[name] = draw(st.sampled_from(twins))
        elif kind == "balanced" and (twins or balanced):
            matrices[name] = _padded(draw(st.sampled_from(twins or balanced)), draw(_orthogonal(rows)), rows)
        else:
            matrices[name] = draw(_matrix(rows, cols))
    scalars = {name: draw(_scalar(domain)) for name, domain in scalar_domains(formula).items()}
    for name, function in formula.functions().items():
        rows, cols = sizes_of(function.shape, dims)
        matrices[data_name(name, "P")] = rows_of([[0] * cols] * rows)
        matrices[data_name(name, "G")] = draw(_matrix(rows, cols))
        matrices[data_name(name, "H")] = symmetrized(draw(_matrix(rows * cols, rows * cols)))
        scalars[data_name(name, "c")] = Fraction(draw(st.sampled_from([0, 0, 0, 1])))
    for name, operator in formula.operators().items():
        (a, b), (c, d) = sizes_of(operator.codomain, dims), sizes_of(operator.domain, dims)
        made = draw(_matrix(a * b, c * d))
        matrices[name] = symmetrized(made) if operator.symmetric else made
    return ExactInstance(dims, scalars, matrices)


def _padded(rows: Rows, turn: list[list[Fraction]], height: int) -> Rows:
    """A matrix of another height with the same Gram matrix where that is possible: rows added or cut, then turned."""
    cols = len(rows[0])
    fitted = [list(row) for row in rows[:height]] + [[Fraction(0)] * cols for _ in range(height - len(rows))]
    return rows_of(product(turn, fitted))


def sizes_of(shape: Sequence[Dim], dims: Mapping[str, int]) -> tuple[int, int]:
    """A shape's integers."""
    rows, cols = (d if isinstance(d, int) else dims[d] for d in shape)
    return rows, cols
