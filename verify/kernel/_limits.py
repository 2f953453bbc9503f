"""What the kernel reads, how much it works, and the two ways in which it gives no answer."""
import re
import threading
from fractions import Fraction
from typing import Any

BYTES, NODES, DEPTH, DIGITS = 10_000_000, 500_000, 200, 20_000  # file; JSON values, nesting, digits of a number
SIZE, BITS, ORDER, STEPS = 128, 2048, 12, 10_000  # matrix side; precision; order of a derivative or root; descent
WORK = 3_000_000  # units of about a microsecond; an operation with small rationals is 4 of them
_RATIONAL = re.compile(rf"-?[0-9]{{1,{DIGITS}}}(/[0-9]{{1,{DIGITS}}})?", re.ASCII)
_work = threading.local()

class Rejected(Exception):
    """The input is malformed, too large or false: by which rule, why, and where."""
    def __init__(self, rule: str, message: str, where: str = "") -> None:
        super().__init__(rule, message)
        self.rule, self.message, self.where = rule, plain(message), where

def plain(text: str) -> str:
    """Text that can be printed: JSON may hold halves of characters, line ends and controls of a terminal."""
    return "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in text)

class Undefined(Exception):
    """A term has no value that can be enclosed (1/0, log of a negative, a kink): its statement is UNDECIDED."""

class Outside(Undefined):
    """A term has no value at all: the instance lies outside its domain."""

def check(good: object, message: str, node: Any = "", rule: str = "shape") -> None:
    if not good:
        raise Rejected(rule, f"{message} {str(node)[:80]}".strip())

def start(bits: int, work: int = WORK) -> None:
    """Begin a new budget of work, with enclosures of that many bits (for this thread)."""
    _work.left, _work.bits, _work.texts = work, bits + 64, {}

def identify(text: str) -> int:
    """A number for a text, the same for equal ones in one check."""
    texts: dict[str, int] = vars(_work).setdefault("texts", {})
    return texts.setdefault(text, len(texts))

def precision() -> int:
    return getattr(_work, "bits", 192)

def spend(units: int) -> None:
    """Pay for work before doing it. Every loop pays, in proportion to the sizes of its numbers."""
    _work.left = getattr(_work, "left", WORK) - units
    check(_work.left >= 0, f"needs more than {WORK} units of work", rule="budget")

def number(x: Any) -> Fraction:
    """An exact rational from "p/q", "p" or an integer: no floats, exponents, blanks, NaN or Booleans."""
    spend(1)
    if type(x) is int:
        return Fraction(x)
    check(type(x) is str and _RATIONAL.fullmatch(x), "not a rational number:", x, "format")
    spend(len(x) // 64)
    top, _, bottom = x.partition("/")
    check(bottom.strip("0") or not bottom, "a denominator is zero", rule="format")
    return Fraction(_integer(top), _integer(bottom or "1"))

def _integer(text: str) -> int:
    """int(text) in pieces, because Python refuses more than 4300 digits at once."""
    if text[0] == "-":
        return -_integer(text[1:])
    return int(text) if len(text) <= 4000 else _integer(text[:-4000]) * 10**4000 + int(text[-4000:])

def measure(data: Any) -> None:
    """Only plain JSON values, at most NODES of them, nested at most DEPTH deep."""
    stack, count = [(data, 0)], 0
    while stack:
        value, depth = stack.pop()
        inside = [*value, *value.values()] if type(value) is dict else value if type(value) is list else []
        count += 1
        good = depth <= DEPTH and count + len(stack) <= NODES
        check(good, f"deeper than {DEPTH} or more than {NODES} values", rule="limits")
        check(value is None or type(value) in (dict, list, str, int, bool), "not a JSON value", type(value), "format")
        check(type(value) is not int or value.bit_length() < 3 * DIGITS, "an integer of too many digits", rule="limits")
        check(type(value) is not dict or all(type(k) is str for k in value), "a key is not a string", rule="format")
        stack += [(item, depth + 1) for item in inside]
