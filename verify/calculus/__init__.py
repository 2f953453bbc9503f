"""Derivatives and identities for all sizes: differentiation rules, canonical forms, the identity prover."""
