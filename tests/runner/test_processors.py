"""The shipped theory has the same verdicts whatever kernels OpenBLAS picks for the processor."""

from __future__ import annotations

from pathlib import Path

import pytest
from processors import DEFAULT, KERNELS, architectures, differences, has, verdicts

# Second-order points of every rank, rank conditions, projections, ties at sharp constants, several adapters; searched afresh.
SELECTION = (
    "high_rank.spurious_has_full_rank",
    "high_rank.spurious_is_large",
    "high_rank.spurious_is_bounded_of_large_kappa",
    "high_rank.kappa_ge_threshold_of_spurious",
    "high_rank.kappa_gt_three_of_spurious_inside_ball",
    "high_rank.pairing_le_excess_times_block",
    "high_rank.pairing_le_curvature_times_block",
    "implicit_bias.second_order_eq_target_of_confined",
    "low_rank.gradient_le_decay_of_rank_deficient",
    "low_rank.rank_deficient_eq_target_of_strongly_convex",
    "low_rank.rank_deficient_is_global_minimum_of_convex",
    "low_rank.gradient_vanishes_of_full_width_without_decay",
    "low_rank.gradient_le_weight_of_rank_deficient_with_two_decays",
    "low_rank.origin_is_second_order_of_small_gradient",
    "low_rank.gradient_le_decay_of_rank_deficient_first_order",
    "several_adapters.gradient_le_decay_of_rank_deficient_adapter",
    "several_adapters.some_adapter_is_large_of_spurious",
    "several_adapters.kappa_ge_threshold_of_spurious_adapters",
    "sharpness.block_le_squared_distance_of_any_rank",
    "special_regime.singular_values_of_stationary_factorization",
    "special_regime.second_order_is_global_minimum_of_factorization",
    "special_regime.rank_le_measurements_of_extreme_pair",
)


@pytest.mark.slow
def test_verdicts_do_not_depend_on_the_kernels(tmp_path: Path) -> None:
    there = [k for k in KERNELS if has(k) and architectures(k) != architectures(DEFAULT)]
    if not there:
        pytest.skip("OPENBLAS_CORETYPE has no effect on this BLAS or processor")
    runs = {k: verdicts(SELECTION, tmp_path, k, "--no-replay") for k in (DEFAULT, *there)}
    assert differences(runs) == []
    assert set(runs[DEFAULT]) == set(SELECTION)
    for name, rows in runs.items():
        assert [c for c, row in rows.items() if not row["met"]] == [], name


def test_differences_name_the_claim_and_the_kernels() -> None:
    one, other = {"a": {"verdict": "HELD"}, "b": {"verdict": "HELD"}}, {"a": {"verdict": "HELD"}, "b": {"verdict": "UNKNOWN"}}
    assert differences({"x": one, "y": one}) == []
    assert differences({"x": one, "y": other}) == ["b: x HELD, y UNKNOWN"]
    assert differences({"x": one, "y": {"a": one["a"]}}) == ["b: x HELD, y missing"]
