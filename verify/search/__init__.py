"""Looking for counterexamples: small exact instances, rounding of float violations, shrinking."""
