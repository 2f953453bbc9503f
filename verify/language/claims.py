"""Claims: formulas with a name, a source and an expected verdict.

Main definitions: `claim`, `on`, `Claim`, `Expect`, `Keyword`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import sympy as sp

from verify.language.errors import ClaimError
from verify.language.formulas import Formula
from verify.language.statements import Statement


class Expect(Enum):
    """The verdict a claim's author expects (design §3)."""

    HOLDS = "HOLDS"
    PROVED = "PROVED"
    REFUTED = "REFUTED"
    OPEN = "OPEN"


class Keyword(Enum):
    """What kind of statement a claim is."""

    TIGHT = "tight"
    UPPER = "upper"
    LOWER = "lower"
    FALSE = "false"
    OPEN = "open"


@dataclass(frozen=True)
class Claim:
    """A named statement with its source and the verdict its author expects.

    Attributes:
        name: the function's name.
        build: returns the `Formula`; called when the claim is checked, so that a broken claim is an ERROR row.
        title: the first line of the docstring.
        doc: the whole docstring.
        cite: the source, with theorem number.
        expect, keyword: see the enums.
        uses: names of claims this one builds on.
        file, line: where it was written.
        source: a data set or training run whose instances replace the generated ones (`on`).
    """

    name: str
    build: Callable[[], Any]
    title: str = ""
    doc: str = ""
    cite: str | None = None
    expect: Expect = Expect.HOLDS
    keyword: Keyword | None = None
    uses: tuple[str, ...] = ()
    file: str = ""
    line: int = 0
    source: Any = None

    @property
    def examples(self) -> tuple[Mapping[str, Any], ...]:
        """Instances to try first: the keyword arguments of Hypothesis' `@example`, written below `@claim`."""
        stored = getattr(self.build, "hypothesis_explicit_examples", ())
        return tuple(e.kwargs for e in reversed(stored))

    @property
    def hypothesis_explicit_examples(self) -> Any:
        """What Hypothesis' `@example` looks for above `@claim`, where it has no place.

        Raises:
            ClaimError: always.
        """
        raise ClaimError("@example stands above @claim: write @example below @claim")

    def formula(self) -> Formula:
        """The elaborated claim.

        Raises:
            ClaimError: if the function does not return a claim, or ends the program; if an example gives values without names.
        """
        if any(e.args for e in getattr(self.build, "hypothesis_explicit_examples", ())):
            raise ClaimError("@example gives a value without a name: write every value by name, as in @example(A=[[1]])")
        try:
            made = self.build()
        except SystemExit as error:
            # Unstopped it would end the whole run, and with exit code 0 that looks as if all were well.
            stopped = ClaimError(f"the claim's function ends the program (exit code {error.code}): remove that call")
            raise stopped.with_traceback(error.__traceback__) from None
        if isinstance(made, Formula):
            return replace(made, source=self.source) if self.source is not None else made
        if made is None:
            raise ClaimError("the claim returns nothing: return forall(...), exists(...) or always(...)")
        if isinstance(made, Statement):
            raise ClaimError("the claim returns a bare statement: bind its symbols, return forall(..., then=...)")
        kind = (
            "a bool" if isinstance(made, bool | sp.logic.boolalg.BooleanAtom) else f"{type(made).__name__} ({str(made)[:60]})"
        )
        raise ClaimError(f"the claim returns {kind}: return forall(...), exists(...) or always(...), with equal, le or lt")


_COLLECTED: ContextVar[list[Claim] | None] = ContextVar("collected claims", default=None)


@contextmanager
def collecting() -> Iterator[list[Claim]]:
    """Gather the claims that are defined while a file is loaded."""
    gathered: list[Claim] = []
    token = _COLLECTED.set(gathered)
    try:
        yield gathered
    finally:
        _COLLECTED.reset(token)


def claim(
    function: Callable[[], Any] | None = None,
    *,
    cite: str | None = None,
    expect: Expect = Expect.HOLDS,
    keyword: Keyword | None = None,
    uses: Sequence[str] = (),
    source: Any = None,
) -> Any:
    """Make a claim of a function that returns `forall(...)`, `exists(...)` or `always(...)`.

    The docstring's first line is the claim in words. The function runs when the claim is checked, not when the file is
    loaded.

    Args:
        function: the decorated function (filled in by Python).
        cite: where the claim comes from.
        expect: the expected verdict; a run fails when it is not met.
        keyword: tight, upper, lower, false or open.
        uses: names of claims this one builds on.
        source: a data set or training run, for a claim that is about nothing else; `on` takes it elsewhere.
    """

    def decorate(build: Callable[[], Any]) -> Claim:
        if not isinstance(expect, Expect):
            raise ClaimError(f"expect={expect!r}: use Expect.HOLDS, Expect.PROVED, Expect.REFUTED or Expect.OPEN")
        doc = inspect.getdoc(build) or ""
        code = build.__code__
        made = Claim(
            build.__name__,
            build,
            doc.split("\n", 1)[0],
            doc,
            cite,
            expect,
            keyword,
            tuple(uses),
            code.co_filename,
            code.co_firstlineno,
            source,
        )
        gathered = _COLLECTED.get()
        if gathered is not None:
            gathered.append(made)
        return made

    return decorate if function is None else decorate(function)


def on(base: Claim, *, source: Any, expect: Expect | None = None, keyword: Keyword | None = None) -> Claim:
    """The same claim on the instances of a data set: `digits = on(dichotomy, source=dataset("digits", rank=4))`.

    The new claim takes the name it is assigned to.
    """
    if not isinstance(base, Claim):
        raise ClaimError("on(...) needs a claim made with @claim")
    frame = inspect.currentframe()
    line = frame.f_back.f_lineno if frame is not None and frame.f_back is not None else base.line
    file = frame.f_back.f_code.co_filename if frame is not None and frame.f_back is not None else base.file
    return replace(
        base,
        name="",
        source=source,
        title=f"{base.title.rstrip('.')} — on {source}.",
        uses=(*base.uses, base.name),
        expect=base.expect if expect is None else expect,
        keyword=base.keyword if keyword is None else keyword,
        file=file,
        line=line,
    )
