"""Claims under names that nobody would choose: no verdict may depend on a name."""
