"""Results as JUnit XML, in the subset that the common schemas share (Ant's, and the one Jenkins and GitLab read).

Main definitions: `junit_xml`. One suite a file of claims; a claim that did not meet its expectation is a failure, a broken
one an error, one whose extra is not installed is skipped.
"""

from __future__ import annotations

import re
import socket
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from datetime import UTC, datetime

from verify.runner.loading import LoadProblem
from verify.runner.verdicts import Result, Verdict, describe

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot carry."""


def junit_xml(results: Sequence[Result], skipped: Sequence[tuple[str, str]], problems: Sequence[LoadProblem]) -> bytes:
    """The document.

    Args:
        results: what was checked.
        skipped: (id, reason) of claims that were not checked.
        problems: files and selectors that gave no claims.
    """
    root = ET.Element("testsuites")
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    suites = list(dict.fromkeys([_suite(i) for i in [*(r.id for r in results), *(i for i, _ in skipped)]]))
    for name in suites:
        own = [r for r in results if _suite(r.id) == name]
        left_out = [(i, reason) for i, reason in skipped if _suite(i) == name]
        suite = _begin(root, name, stamp)
        for result in own:
            _case(suite, result)
        for identifier, reason in left_out:
            ET.SubElement(_test(suite, identifier, 0.0), "skipped", message=_clean(reason))
        _count(suite, sum(r.seconds for r in own))
    if problems:
        suite = _begin(root, "collection", stamp)
        for problem in problems:
            case = ET.SubElement(suite, "testcase", name=_clean(problem.location), classname="collection", time="0.000")
            _outcome(case, "error", "not collected", problem.message, f"{problem.location}: error: {problem.message}")
        _count(suite, 0.0)
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _suite(identifier: str) -> str:
    return identifier.rpartition(".")[0] or "claims"


def _begin(root: ET.Element, name: str, stamp: str) -> ET.Element:
    number = str(len(root))
    suite = ET.SubElement(root, "testsuite", name=name, package=name, id=number, timestamp=stamp, hostname=socket.gethostname())
    ET.SubElement(suite, "properties")
    return suite


def _count(suite: ET.Element, seconds: float) -> None:
    suite.set("tests", str(len(suite.findall("testcase"))))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("time", f"{seconds:.3f}")
    ET.SubElement(suite, "system-out")
    ET.SubElement(suite, "system-err")


def _test(suite: ET.Element, identifier: str, seconds: float) -> ET.Element:
    name = identifier.rpartition(".")[2]
    return ET.SubElement(suite, "testcase", name=name, classname=_suite(identifier), time=f"{seconds:.3f}")


def _case(suite: ET.Element, result: Result) -> None:
    case = _test(suite, result.id, result.seconds)
    if result.met:
        return
    evidence = describe(result.payload)
    message = f"expected {result.expect.value}, got {result.verdict.value}"
    tag = "error" if result.verdict is Verdict.ERROR else "failure"
    _outcome(case, tag, result.verdict.value, message, evidence)


def _outcome(case: ET.Element, tag: str, kind: str, message: str, text: str) -> None:
    outcome = ET.SubElement(case, tag, type=kind, message=_clean(message))
    outcome.text = _clean(text)


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
