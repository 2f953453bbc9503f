"""Values of terms: float batches, exact rationals, many digits; and the gates every derivative passes."""
