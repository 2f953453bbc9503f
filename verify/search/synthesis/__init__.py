"""Losses built around a chosen point so that it is a spurious second-order point (theory §7), and the search over points."""
