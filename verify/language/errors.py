"""Errors a user can cause, each with what is wrong and what to do next."""

from __future__ import annotations


class ClaimError(Exception):
    """A claim or expression that means nothing: bad shapes, unknown symbols, a relation SymPy already evaluated.

    The message is one sentence of the form ``what is wrong: what to do``; the runner adds ``file:line: error:``.
    """


class ShapeError(ClaimError):
    """Shapes that do not agree for every value of the symbolic dimensions."""


class NoSuchAttribute(ClaimError, AttributeError):
    """An attribute that an object of a claim does not have; the sentence says which one is meant."""


class NotDifferentiable(ClaimError):
    """A derivative was asked of something that has none in closed form (rank, a single singular value ...)."""


class NotRational(ArithmeticError):
    """The value of an expression at a rational instance is irrational, so it has no exact rational reading."""


class NoSource(Exception):
    """No source of instances exists for a hypothesis; the sentence says which and why."""


class GateError(Exception):
    """A derived formula failed one of the gates that compare it with the loss itself; it must not be used."""
