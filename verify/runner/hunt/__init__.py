"""Hunting: counterexamples by optimization, in small seeded units of work that can be stopped and resumed."""
