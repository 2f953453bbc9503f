"""From a claim to a verdict: proof, evidence, counterexample, and the result that reports them."""
