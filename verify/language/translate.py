"""SymPy expressions to terms, with every shape checked on the way.

Main definitions: `term_of`, `dim_of`, `names_in`.

SymPy multiplies mismatched symbolic shapes without complaint and evaluates relations at construction; nothing of that
survives here: a term exists only if its shapes agree for every size, and relations are refused with a hint.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean, BooleanAtom
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction
from sympy.matrices.expressions.diagonal import DiagMatrix, DiagonalMatrix, DiagonalOf
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct
from sympy.matrices.expressions.matexpr import MatrixElement
from sympy.matrices.expressions.special import OneMatrix

from verify.language.domains import REALS, domain_of
from verify.language.entrywise import entrywise
from verify.language.errors import ClaimError, ShapeError
from verify.language.exact_numbers import exact_number, sympified
from verify.language.nodes import Carrier, MatrixNode, ScalarNode, WrittenFunction, WrittenOperator
from verify.language.operations.algebra import chain, fraction_power
from verify.language.operations.derived import check_directions
from verify.language.operations.entries import HOLE
from verify.language.operations.scalars import function
from verify.language.terms import ARGUMENT, Dim, Term, make, number, rebuild, require_square, show_shape, symbol, walk
from verify.language.written import objects_in

_FUNCTIONS: dict[Any, str] = {
    sp.exp: "exp",
    sp.log: "log",
    sp.tanh: "tanh",
    sp.sin: "sin",
    sp.cos: "cos",
    sp.erf: "erf",
    sp.Abs: "abs",
    sp.sign: "sign",
}


def dim_of(size: Any) -> Dim:
    """A dimension from an integer or a SymPy symbol.

    Raises:
        ShapeError: for sizes below 1 and for composite sizes such as `m + n`.
    """
    if isinstance(size, str) and size.isidentifier():
        return size
    size = sympified(size)
    if isinstance(size, sp.Integer):
        if size < 1:
            raise ShapeError(f"a dimension of {size}: every dimension is at least 1")
        return int(size)
    if isinstance(size, sp.Symbol):
        return str(size.name)
    if isinstance(size, sp.Number):
        raise ShapeError(f"a dimension of {float(size):g}: every dimension is a whole number, at least 1")
    raise ShapeError(f"the dimension {size} is neither a positive integer nor a symbol: give it a name of its own")


def sympy_dim(dim: Dim) -> Any:
    """A SymPy object for a dimension."""
    return sp.Integer(dim) if isinstance(dim, int) else sp.Symbol(dim, integer=True, positive=True)


def term_of(expression: Any) -> Term:
    """The term of a SymPy expression (or number, or explicit matrix).

    Raises:
        ClaimError: for relations, Booleans and objects that have no meaning here.
        ShapeError: if shapes do not agree for every value of the symbolic dimensions.

    >>> import sympy as sp
    >>> from verify.language.printing import text
    >>> m, r = sp.symbols("m r")
    >>> A = sp.MatrixSymbol("A", m, r)
    >>> text(term_of(sp.Trace(A.T * A) / 2))
    '1/2·tr(Aᵀ·A)'
    """
    return without_domains(declared_term_of(expression))


def declared_term_of(expression: Any) -> Term:
    """As `term_of`, but scalar symbols keep the domain that their assumptions state, for the claim to collect."""
    if isinstance(expression, Term):
        return expression
    try:
        term = _translate(expression, {})
        check_directions(term)
    except RecursionError:
        raise ClaimError("an expression is nested more deeply than can be read: give its parts names of their own") from None
    return term


def without_domains(term: Term) -> Term:
    """The term with plain scalar symbols."""
    declared = [node for node in walk(term) if node.op == "sym" and len(node.payload) > 2]
    return rebuild(term, {node: symbol(node.payload[0]) for node in declared}) if declared else term


def _translate(expression: Any, done: dict[Any, Term]) -> Term:
    _refuse_relations(expression)
    expression = sympified(expression)
    if isinstance(expression, Carrier):
        raise ClaimError("an incomplete expression: call the function with its arguments")
    found = done.get(expression)
    if found is None:
        for kind, rule in _RULES:
            if isinstance(expression, kind):
                found = rule(expression, lambda e: _translate(e, done))
                break
        else:
            raise ClaimError(
                f"{type(expression).__name__} is not understood here ({str(expression)[:60]}): "
                "see help(verify) for what a claim may contain"
            )
        done[expression] = found
    return found


def _refuse_relations(expression: Any) -> None:
    if isinstance(expression, bool | BooleanAtom):
        raise ClaimError(
            f"the expression is already {bool(expression)}: SymPy compared it when it was written; "
            "use equal(...), le(...) or lt(...)"
        )
    if isinstance(expression, Relational | Boolean) and not isinstance(expression, sp.Symbol):
        hint = relation_hint(expression) if isinstance(expression, Relational) else "use equal(...), le(...) or lt(...)"
        raise ClaimError(f"the SymPy relation {expression} is not a claim: {hint}")


_WRITTEN = {
    sp.Le: ("<=", "le(a, b)"),
    sp.Lt: ("<", "lt(a, b)"),
    sp.Ge: (">=", "le(b, a)"),
    sp.Gt: (">", "lt(b, a)"),
    sp.Eq: ("Eq", "equal(a, b)"),
    sp.Ne: ("Ne", "distinct(a, b)"),
}


def relation_hint(relation: Any) -> str:
    """What to write instead of a SymPy relation: ``you wrote <=: use le(a, b)``."""
    written, instead = next((w for kind, w in _WRITTEN.items() if isinstance(relation, kind)), ("a relation", "le(a, b)"))
    return f"you wrote {written}: use {instead}"


Recurse = Callable[[Any], Term]


def _sympy_number(e: Any, go: Recurse) -> Term:
    if isinstance(e, sp.Rational | sp.Float):
        return number(exact_number(e))
    if e is sp.pi:
        return make("pi")
    if e is sp.E:
        return function("exp", number(1))
    raise ClaimError(f"the number {e} has no meaning here: use real finite numbers")


def _scalar_symbol(e: Any) -> Term:
    """A scalar variable; a domain stated by its assumptions stays with it until the claim is elaborated."""
    domain = domain_of(e)
    return symbol(e.name) if domain == REALS else make("sym", payload=(e.name, (), domain))


def _product(e: Any, go: Recurse) -> Term:
    factors = [go(a) for a in e.args]
    scalars = [f for f in factors if f.is_scalar]
    found = [f for f in factors if not f.is_scalar]
    if not found:
        return make("mul", *scalars)
    product = chain([g for f in found for g in (f.args if f.op == "matmul" else (f,))])
    return make("mul", *scalars, product) if scalars else product


def _power(e: Any, go: Recurse) -> Term:
    base, exponent = go(e.base), go(e.exp)
    if not base.is_scalar:
        return _matrix_power(e, go)
    if exponent.op == "num":
        return fraction_power(base, exponent.payload[0])
    if e.base is sp.E:
        return function("exp", exponent)
    return function("exp", make("mul", exponent, function("log", base)))


def _matrix_power(e: Any, go: Recurse) -> Term:
    base = go(e.base)
    require_square(base.shape, "a matrix power")
    if not isinstance(e.exp, sp.Integer):
        raise ClaimError(f"the matrix power {e}: only whole exponents are understood")
    factor = make("inverse", base) if e.exp < 0 else base
    count = abs(int(e.exp))
    if count == 0:
        return make("eye", payload=base.shape[:1])
    return chain([*(factor.args if factor.op == "matmul" else (factor,))] * count)


def _mapped(variable: Any, body: Any, matrix: Term) -> Term:
    """An elementwise function of its own variable, told by the object and not by its name."""
    return entrywise(_translate(body, {variable: HOLE}), matrix)


def _elementwise(e: Any, go: Recurse) -> Term:
    (variable,), body = e.function.variables, e.function.expr
    return _mapped(variable, body, go(e.expr))


def _hadamard_power(e: Any, go: Recurse) -> Term:
    exponent = go(e.exp)
    if exponent.op != "num":
        raise ClaimError(f"the entrywise power {e.exp}: only numbers are understood as its exponent")
    return make("map", go(e.base), payload=(fraction_power(HOLE, exponent.payload[0]),))


def _heaviside(e: Any, go: Recurse) -> Term:
    """SymPy's step function has a value of its own at 0 (1/2 unless given); ours is 0 there."""
    argument, at_zero = (go(a) for a in e.args)
    step = function("step", argument)
    if at_zero == number(0):
        return step
    tie = make("add", number(1), make("mul", number(-1), function("abs", function("sign", argument))))
    return make("add", step, make("mul", at_zero, tie))


def _named_function(name: str) -> Any:
    return lambda e, go: function(name, go(e.args[0]))


def _index(position: Any) -> int:
    if not isinstance(position, sp.Integer):
        raise ClaimError(f"the entry index {position} is not a number: only single entries such as X[0, 1] are understood")
    return int(position)


def _explicit(e: Any, go: Recurse) -> Term:
    rows = [[go(x) for x in e.row(i)] for i in range(e.rows)]
    if all(x.op == "num" for row in rows for x in row):
        return make("literal", payload=(tuple(tuple(x.payload[0] for x in row) for row in rows),))
    units = [
        make("mul", x, make("unit", payload=(e.rows, e.cols, i, j)))
        for i, row in enumerate(rows)
        for j, x in enumerate(row)
        if not (x.op == "num" and x.payload[0] == 0)
    ]
    return units[0] if len(units) == 1 else make("add", *units)


def _sum(e: Any, go: Recurse) -> Term:
    if any(not isinstance(bound, sp.Integer) for limit in e.limits for bound in limit[1:]):
        raise ClaimError(
            f"the sum {e} has symbolic bounds: an entry X[0, 0] of a product is written entry(X, 0, 0), other sums with "
            "trace and ones"
        )
    return go(e.doit())


def _own_node(e: Any, go: Recurse) -> Term:
    carried = [_symbol_behind(a.payload) for a in e.args if isinstance(a, Carrier)]
    rest = [a for a in e.args if not isinstance(a, Carrier)]
    match e.op:
        case "map":
            variable, body = carried[0]
            return _mapped(variable, body, go(rest[0]))
        case "entry":
            return make("entry", go(rest[0]), payload=(_index(rest[1]), _index(rest[2])))
        case "mul":
            return make("mul", *(go(a) for a in rest))
        case "literal" | "unit" | "ones" | "zeros" | "pi" | "dim":
            return make(e.op, payload=carried[0])
        case "derivative":
            variables, order = carried[0]
            names = tuple(str(getattr(v, "name", v)) for v in variables)
            return make("derivative", *(go(a) for a in rest), payload=(names, order))
        case "smooth" if carried[0].body is not None and len(rest) == 1:
            # The value of a formula is the formula; its derivatives are left to the readers.
            return rebuild(carried[0].body, {symbol(ARGUMENT, carried[0].shape): _argument(carried[0].shape, go(rest[0]))})
        case _:
            return make(e.op, *(go(a) for a in rest), payload=tuple(carried))


def _symbol_behind(payload: Any) -> Any:
    """What stands for a function or an operator in terms."""
    return payload.symbol if isinstance(payload, WrittenFunction | WrittenOperator) else payload


def _argument(shape: Any, point: Term) -> Term:
    if point.shape != shape:
        raise ShapeError(f"a function of {show_shape(shape)} matrices is given {show_shape(point.shape)}: pass its own shape")
    return point


_RULES: list[tuple[Any, Callable[[Any, Recurse], Term]]] = [
    ((ScalarNode, MatrixNode), _own_node),
    ((sp.Number, sp.NumberSymbol, sp.core.numbers.ImaginaryUnit), _sympy_number),
    (sp.Symbol, lambda e, go: _scalar_symbol(e)),
    (sp.MatrixSymbol, lambda e, go: symbol(e.name, (dim_of(e.shape[0]), dim_of(e.shape[1])))),
    ((sp.Add, sp.MatAdd), lambda e, go: make("add", *(go(a) for a in e.args))),
    ((sp.Mul, sp.MatMul), _product),
    (sp.Inverse, lambda e, go: make("inverse", go(e.args[0]))),
    (sp.MatPow, _matrix_power),
    (sp.Pow, _power),
    (
        (sp.Transpose, sp.matrices.expressions.adjoint.Adjoint),
        lambda e, go: make("transpose", go(e.args[0])),
    ),
    (sp.Trace, lambda e, go: make("trace", go(e.args[0]))),
    (sp.Determinant, lambda e, go: make("det", go(e.args[0]))),
    (HadamardProduct, lambda e, go: make("hadamard", *(go(a) for a in e.args))),
    (HadamardPower, _hadamard_power),
    (ElementwiseApplyFunction, _elementwise),
    (sp.Identity, lambda e, go: make("eye", payload=(dim_of(e.shape[0]),))),
    (sp.ZeroMatrix, lambda e, go: make("zeros", payload=tuple(dim_of(d) for d in e.shape))),
    (OneMatrix, lambda e, go: make("ones", payload=tuple(dim_of(d) for d in e.shape))),
    ((DiagMatrix, DiagonalMatrix), lambda e, go: make("diag", go(e.args[0]))),
    (DiagonalOf, lambda e, go: make("diagonal", go(e.args[0]))),
    (MatrixElement, lambda e, go: make("entry", go(e.args[0]), payload=(_index(e.i), _index(e.j)))),
    (sp.MatrixBase, _explicit),
    (sp.Max, lambda e, go: make("max", *(go(a) for a in e.args))),
    (sp.Min, lambda e, go: make("min", *(go(a) for a in e.args))),
    (sp.Sum, _sum),
    (sp.Heaviside, _heaviside),
    *((cls, _named_function(name)) for cls, name in _FUNCTIONS.items()),
]


def names_in(*expressions: Any) -> dict[str, Any]:
    """The SymPy symbols (variables and dimensions) in some expressions, by name."""
    return {o.name: o for o in objects_in(*expressions) if isinstance(o, sp.Symbol | sp.MatrixSymbol)}
