"""Families of losses: formulas with samplers for their data."""
