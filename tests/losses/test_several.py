"""Planted points of several adapters are second-order points of the coupled loss, with the X⋆ and S that they claim."""

from __future__ import annotations

import numpy as np
import pytest

from verify.losses.several import part_at_target, placed, spurious_part

COUNT = 12


def problem(seed, shapes, rational, decays):
    rng = np.random.default_rng(seed)
    parts = [
        (spurious_part if min(p, k) > r and i != 1 else part_at_target)(rng, COUNT, p, k, r, rational=rational)
        for i, (p, k, r) in enumerate(shapes)
    ]
    weights = [np.full(COUNT, d) for d in decays]
    m, n = (sum(s[axis] for s in shapes) for axis in (0, 1))
    return parts, placed(rng, parts, weights, m + 1, n, rational=rational)


def gradient(found, i, updates):
    """∇f at `Σ E_lX_lF_lᵀ` for one instance."""
    here = sum(e[i] @ x @ f[i].T for e, x, f in zip(found.before, updates, found.after, strict=True))
    move = (here - found.base[i]).ravel()
    return found.slope[i] + (found.bend[i] @ move).reshape(found.base[i].shape)


@pytest.mark.parametrize("rational", [True, False])
@pytest.mark.parametrize("decays", [(0.0, 0.0, 0.0), (0.25, 0.1, 0.5)])
@pytest.mark.parametrize("shapes", [[(2, 2, 1), (1, 2, 1)], [(3, 2, 1), (2, 2, 2)], [(2, 3, 1), (2, 2, 1), (3, 3, 2)]], ids=str)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_point_is_second_order_and_the_targets_are_stationary(shapes, decays, rational, seed):
    parts, found = problem(seed, shapes, rational, decays[: len(shapes)])
    for i in range(COUNT):
        updates = [p.left[i] @ p.right[i].T for p in parts]
        slope, at_star = gradient(found, i, updates), gradient(found, i, [p.star[i] for p in parts])
        blocks = []
        for p, e, f, decay in zip(parts, found.before, found.after, decays, strict=False):
            own, star = e[i].T @ slope @ f[i], e[i].T @ at_star @ f[i]
            assert np.allclose(own @ p.right[i] + decay * p.left[i], 0, atol=1e-10)
            assert np.allclose(own.T @ p.left[i] + decay * p.right[i], 0, atol=1e-10)
            assert np.allclose(star, -decay * p.witness[i], atol=1e-10)
            assert np.linalg.norm(p.witness[i], ord=2) <= 1 + 1e-12
            nuclear = np.linalg.svd(p.star[i], compute_uv=False).sum()
            assert np.sum(p.witness[i] * p.star[i]) == pytest.approx(nuclear)
            blocks.append((own, p.left[i], p.right[i], e[i], f[i], decay))
        assert np.linalg.eigvalsh(hessian(found.bend[i], blocks)).min() >= -1e-9


def hessian(bend, blocks):
    """The Hessian of L in all factors, from the form of theory §1 on a basis."""
    directions = []
    for place, (_, a, b, *_) in enumerate(blocks):
        for which, factor in ((0, a), (1, b)):
            for entry in np.eye(factor.size):
                move = [[np.zeros_like(x) for x in pair] for pair in ((c, d) for _, c, d, *_ in blocks)]
                move[place][which] = entry.reshape(factor.shape)
                directions.append(move)

    def tangent(move):
        return sum(e @ (u @ b.T + a @ v.T) @ f.T for (u, v), (_, a, b, e, f, _) in zip(move, blocks, strict=True)).ravel()

    tangents = [tangent(move) for move in directions]
    out = np.zeros((len(directions), len(directions)))
    for i, first in enumerate(directions):
        for j, second in enumerate(directions):
            out[i, j] = tangents[i] @ bend @ tangents[j]
            for (u, v), (w, z), (slope, *_, decay) in zip(first, second, blocks, strict=True):
                out[i, j] += np.sum(slope * (u @ z.T + w @ v.T)) + decay * (np.sum(u * w) + np.sum(v * z))
    return out


def test_some_problems_are_coupled_and_the_spurious_part_is_away_from_its_target():
    coupled = 0
    for seed in range(12):
        parts, found = problem(seed, [(2, 2, 1), (2, 2, 2)], False, (0.1, 0.1))
        first, second = (
            np.einsum("bij,bkl->bikjl", e, f).reshape(COUNT, -1, 4) for e, f in zip(found.before, found.after, strict=True)
        )
        coupled += np.abs(np.swapaxes(first, -1, -2) @ found.bend @ second).max() > 1e-6
        assert np.linalg.norm(parts[0].offset, axis=-1).min() > 0.5
        assert np.allclose(parts[1].offset, 0, atol=1e-12)
    assert 0 < coupled < 12


def test_a_bent_hessian_keeps_the_targets_and_stays_symmetric():
    parts, found = problem(3, [(2, 2, 1), (2, 2, 2)], False, (0.1, 0.1))
    bent = found.bent(np.random.default_rng(0), 0.05)
    share = np.linalg.norm(bent.bend - found.bend, ord=2, axis=(-2, -1)) / np.linalg.norm(found.bend, ord=2, axis=(-2, -1))
    assert np.allclose(share, 0.05)
    assert np.array_equal(bent.bend, np.swapaxes(bent.bend, -1, -2))
    for i in range(COUNT):
        assert np.allclose(gradient(bent, i, [p.star[i] for p in parts]), found.slope[i], atol=1e-10)


def test_parts_that_do_not_fit_are_refused():
    rng = np.random.default_rng(0)
    parts = [part_at_target(rng, 2, 2, 2, 1, rational=True) for _ in range(2)]
    with pytest.raises(ValueError, match="do not fit"):
        placed(rng, parts, [np.zeros(2)] * 2, 3, 4, rational=True)
    with pytest.raises(ValueError, match="no spurious point exists"):
        spurious_part(rng, 2, 1, 3, 1, rational=False)
