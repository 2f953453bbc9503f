"""Sources of instances: samplers, constructed stationary points, trajectories and data sets."""
