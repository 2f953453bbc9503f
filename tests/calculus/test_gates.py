"""The gates must refuse every corrupted derivative."""

from __future__ import annotations

from fractions import Fraction

import pytest
from losses import LOSSES, A, B, X, f, frobenius, logdet, trace

from verify.calculus.differentiate import expand, gradients
from verify.calculus.normal_form import canonical
from verify.evaluation.gates import gate_gradient, gate_hessian_form
from verify.language.errors import GateError, ShapeError
from verify.language.terms import Term, make, number, symbol, symbols_of, walk, zeros_like
from verify.language.translate import term_of

NAMES = [
    "squared distance",
    "quadratic, operator not symmetric",
    "sensing, explicit",
    "completion",
    "softmax cross-entropy",
    "deep linear",
    "log det of a Gram matrix",
    "distance",
    "opaque, scale and two decays",
]


def refused(call) -> bool:
    """Whether a gate refuses."""
    try:
        call()
    except GateError:
        return True
    return False


def _square(shape) -> bool:
    return len(shape) == 2 and shape[0] == shape[1]


def corruptions(derived: Term) -> list[tuple[str, Term]]:
    """One flipped sign, one dropped term, one wrong factor, one transposed factor of a canonical term."""
    terms = list(derived.args) if derived.op == "add" else [derived]
    found = [("sign of all", make("mul", number(-1), derived))]
    found.append(("factor of all", make("mul", number(Fraction(11, 10)), derived)))
    for i, part in enumerate(terms):
        others = terms[:i] + terms[i + 1 :]
        found.append((f"sign of term {i}", _sum([make("mul", number(-1), part), *others], derived)))
        found.append((f"term {i} dropped", _sum(others, derived)))
    for node in walk(derived):
        if node.op == "matmul":
            for i, factor in enumerate(node.args):
                if _square(factor.shape) and factor.op != "transpose":
                    args = (*node.args[:i], make("transpose", factor), *node.args[i + 1 :])
                    found.append(("factor transposed", _replace(derived, node, make("matmul", *args))))
    return [(what, t) for what, t in found if canonical(t) != canonical(derived)]


def _sum(terms, like: Term) -> Term:
    if not terms:
        return zeros_like(like.shape)
    return terms[0] if len(terms) == 1 else make("add", *terms)


def _replace(term: Term, old: Term, new: Term) -> Term:
    from verify.language.terms import rebuild

    return rebuild(term, {old: new})


@pytest.mark.parametrize("name", NAMES)
def test_corrupted_gradients_are_refused(name):
    loss, variables = LOSSES[name]
    term, variable = term_of(loss), term_of(variables[0])
    derived = canonical(gradients(term, [variable])[0])
    gate_gradient(term, variable, derived)
    for what, wrong in corruptions(derived):
        assert refused(lambda wrong=wrong: gate_gradient(term, variable, wrong)), what


@pytest.mark.parametrize("name", ["squared distance", "opaque, scale and two decays", "distance"])
def test_corrupted_hessians_are_refused(name):
    loss, variables = LOSSES[name]
    directions = {v.name: symbol(f"d{v.name}", term_of(v).shape) for v in variables}
    term = term_of(loss)
    second = make("derivative", term, *directions.values(), payload=(tuple(directions), 2))
    derived = canonical(expand(second))
    gate_hessian_form(term, directions, derived)
    for what, wrong in corruptions(derived):
        assert refused(lambda wrong=wrong: gate_hessian_form(term, directions, wrong)), what


def test_transposed_factors_of_square_data_are_refused():
    K, Q = symbol("K", ("m", "m")), symbol("Q", ("m", "m"))
    loss = make("trace", make("matmul", K, Q, K))
    right = gradients(loss, [K])[0]
    gate_gradient(loss, K, right)
    wrong = make("add", make("matmul", Q, K), make("matmul", K, Q))
    with pytest.raises(GateError, match="failed a gate"):
        gate_gradient(loss, K, wrong)


def test_zero_gradient():
    a, other = term_of(A), symbol("Other", ("m", "r"))
    loss = term_of(f(X))
    assert gate_gradient(loss, other, zeros_like(other.shape)).note == "does not depend on Other"
    with pytest.raises(GateError):
        gate_gradient(loss, a, zeros_like(a.shape))
    assert gate_gradient(loss, other, zeros_like(other.shape)).order is None


def test_no_point_in_the_domain():
    import sympy as sp

    loss = term_of(sp.log(-1 - trace(A.T * A)))
    with pytest.raises(GateError, match="no point in the domain"):
        gate_gradient(loss, term_of(A), zeros_like(("m", "r")))


def test_points_are_found_in_narrow_domains():
    K = term_of(LOSSES["log det"][1][0])
    for expression in (logdet(LOSSES["log det"][1][0]), sum_of_logs()):
        loss = term_of(expression)
        variable = K if "K" in symbols_of(loss) else term_of(A)
        assert gate_gradient(loss, variable, canonical(gradients(loss, [variable])[0])).order is not None


def sum_of_logs():
    import sympy as sp

    from verify.language.functions import elementwise, ones

    return trace(ones(A.shape[1], A.shape[0]) * elementwise(sp.log, A))


def test_fixed_sizes_and_shapes():
    import sympy as sp

    P = sp.MatrixSymbol("P", 3, 2)
    loss = term_of(frobenius(P) ** 2 + P[2, 1])
    p = term_of(P)
    report = gate_gradient(loss, p, canonical(gradients(loss, [p])[0]))
    assert report.exact == "equal exactly with the given sizes"
    with pytest.raises(ShapeError):
        gate_gradient(term_of(f(X)), term_of(A), term_of(B))


def test_same_seed_same_report():
    loss, (variable, *_) = LOSSES["distance"]
    derived = gradients(term_of(loss), [term_of(variable)])[0]
    assert gate_gradient(term_of(loss), term_of(variable), derived) == gate_gradient(term_of(loss), term_of(variable), derived)


# --- where the points lie -------------------------------------------------------------------------------------------


def restricted():
    """Losses with a domain: full column rank, positive, inside |x| < 1, beyond a bound."""
    import sympy as sp

    from verify.language.functions import det, elementwise, identity, inverse, ones, softmax

    m, n, r = A.shape[0], B.shape[0], A.shape[1]
    K, V = sp.MatrixSymbol("K", m, m), sp.MatrixSymbol("V", m, r)
    M = sp.MatrixSymbol("M", m, n)

    def each(function, matrix=A):
        return trace(ones(*matrix.shape[::-1]) * elementwise(function, matrix))

    return {
        "log det of a Gram matrix": (logdet(A.T * A), A),
        "inverse of a Gram matrix": (trace(inverse(A.T * A)), A),
        "projection": (trace(M.T * A * inverse(A.T * A) * B.T), A),
        "pseudoinverse": (trace(B * inverse(B.T * B) * A.T * M), B),
        "hat matrix": (trace(V.T * A * inverse(A.T * A) * A.T * V), A),
        "volume": (sp.sqrt(det(A.T * A)), A),
        "log det": (logdet(K), K),
        "log det of an inverse": (logdet(inverse(K)), K),
        "root in the unit ball": (sp.sqrt(1 - trace(A.T * A)), A),
        "log in the unit ball": (sp.log(1 - trace(A.T * A)), A),
        "log det in the unit ball": (logdet(identity(r) - A.T * A), A),
        "log far out": (sp.log(trace(A.T * A) - 50), A),
        "entropy": (each(lambda t: t * sp.log(t)), A),
        "inverse hyperbolic tangent": (each(lambda t: sp.log((1 + t) / (1 - t))), A),
        "log softmax": (each(sp.log, softmax(A * B.T)), A),
    }


@pytest.mark.parametrize("name", restricted())
def test_points_are_found_in_restricted_domains(name):
    expression, variable = restricted()[name]
    loss, symbol_ = term_of(expression), term_of(variable)
    (derived,) = gradients(loss, [symbol_])
    report = gate_gradient(loss, symbol_, canonical(derived))
    assert report.exact.startswith("equal")
    assert report.scales
    assert refused(lambda: gate_gradient(loss, symbol_, canonical(make("mul", number(Fraction(11, 10)), derived))))


def test_points_have_many_scales_and_every_order_of_sizes():
    from verify.evaluation.gate_points import Sizes, candidates
    from verify.evaluation.gate_scales import SCALES

    loss = term_of(frobenius(X) ** 2)
    orders = set()
    for scale in (Fraction(1), *SCALES):
        for sizes in Sizes:
            point = next(candidates([loss], loss, loss, 0, scale, sizes, 1e60))
            largest = max(abs(x) for x in point.values["A"].flat)
            assert largest == scale
            m, n, r = (point.dims[d] for d in "mnr")
            orders |= {("r below", r < min(m, n)), ("r above", r > max(m, n)), ("size 1", 1 in (m, n, r))}
    assert {1, 3, 10, 100} <= {Fraction(1), *SCALES}
    assert {("r below", True), ("r above", True), ("size 1", True)} <= orders


def test_a_formula_right_only_near_the_origin_is_refused():
    import sympy as sp

    from verify.language.functions import elementwise, ones

    a, sum_of_entries = term_of(A), ones(A.shape[1], A.shape[0])
    far = trace(sum_of_entries * elementwise(lambda t: sp.Max(t - 5, 0), A))
    huber = trace(sum_of_entries * elementwise(lambda t: t**2 / 2 - sp.Max(sp.Abs(t) - 2, 0) ** 2 / 2, A))
    assert refused(lambda: gate_gradient(term_of(far), a, zeros_like(a.shape)))
    assert refused(lambda: gate_gradient(term_of(huber), a, a))


def test_a_formula_without_values_is_refused():
    a = term_of(A)
    nowhere = make("pow", make("add", number(1), number(-1)), payload=(Fraction(-1),))
    loss = term_of(frobenius(A) ** 2)
    with pytest.raises(GateError, match="no point in the domain of the loss and of its derivative"):
        gate_gradient(loss, a, make("mul", nowhere, a))
