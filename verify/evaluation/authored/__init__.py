"""The author's own SymPy objects, evaluated by walking them: a second reading that owes the first one nothing.

Nothing of the elaborator, of terms or of their value rules is used here; values are bound to SymPy's objects, never to names.
"""

from verify.evaluation.authored.arithmetic import MP, RoundedError, UndefinedError, filled
from verify.evaluation.authored.points import Cubic, Point, Training
from verify.evaluation.authored.walk import value_of

__all__ = ["MP", "Cubic", "Point", "RoundedError", "Training", "UndefinedError", "filled", "value_of"]
