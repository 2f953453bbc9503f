"""Sources of instances for claims: random data, constructed stationary points, found second-order points, trajectories."""
