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
