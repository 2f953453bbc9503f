"""The arithmetics a term can be evaluated in: float64 batches, exact rationals, many digits, explicit SymPy entries."""

from verify.evaluation.fields.decimal import DecimalField
from verify.evaluation.fields.float64 import FloatField
from verify.evaluation.fields.rational import RationalField

__all__ = ["DecimalField", "FloatField", "RationalField"]
