"""Real data: training, polishing and an independent X⋆ for the handwritten digits."""
