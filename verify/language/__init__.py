"""What is claimed: expressions, statements, settings and claims, with every shape checked."""
