"""Finding claims: files, folders, `file::name`, ids of the shipped theorems and their prefixes.

Main definitions: `collect`, `Collected`, `Found`, `LoadProblem`.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
import types
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from verify.language.claims import Claim, collecting
from verify.language.errors import ClaimError
from verify.runner.wording import kind_of, said


@dataclass(frozen=True)
class Found:
    """A claim with its id, `module.claim_name`."""

    id: str
    claim: Claim


@dataclass(frozen=True)
class LoadProblem:
    """A file or selector that gave no claims: `location: error: message`."""

    location: str
    message: str


@dataclass(frozen=True)
class Collected:
    """Everything the selectors name.

    Attributes:
        claims: in the order of the files and of the lines in them.
        problems: what could not be loaded or found.
        duplicates: (id, location, message) of claims that share a name with an earlier one of the same file.
    """

    claims: tuple[Found, ...]
    problems: tuple[LoadProblem, ...]
    duplicates: tuple[tuple[str, str, str], ...] = ()


def shipped_folder() -> Path:
    """The folder of the shipped theorems, by file location, so that a user's own `theorems` cannot shadow it."""
    return Path(__file__).resolve().parents[2] / "theorems"


def shipped_counterexamples() -> tuple[str, ...]:
    """The folders of the shipped certificates."""
    return (str(shipped_folder() / "counterexamples"),)


def collect(selectors: Sequence[str], places: Sequence[Path] = ()) -> Collected:
    """The claims that some selectors name; all shipped theorems without any.

    Args:
        selectors: files, folders, `file::name`, ids and prefixes of ids.
        places: files and folders whose claims can be named by their id too, beside the shipped ones and those of the
            files in the present folder.
    """
    claims: list[Found] = []
    problems: list[LoadProblem] = []
    duplicates: list[tuple[str, str, str]] = []
    cache: dict[Path, Collected] = {}

    def load(path: Path) -> Collected:
        key = path.resolve()
        if key not in cache:
            cache[key] = load_file(path)
            problems.extend(cache[key].problems)
            duplicates.extend(cache[key].duplicates)
        return cache[key]

    def add(found: Sequence[Found]) -> None:
        known = {(f.claim.file, f.id) for f in claims}
        claims.extend(f for f in found if (f.claim.file, f.id) not in known)

    for selector in selectors or [str(shipped_folder())]:
        path_text, _, name = selector.partition("::")
        path = Path(path_text)
        if path.is_dir():
            files = _claim_files(path)
            if not files:
                problems.append(LoadProblem(path_text, "the folder has no Python files: name a file of claims"))
            for file in files:
                add(load(file).claims)
        elif path.is_file():
            add(_named(load(path).claims, name, selector, problems))
        elif path_text.endswith(".py") or "/" in path_text or name:
            problems.append(LoadProblem(path_text, "no such file: check the path"))
        else:
            add(_by_id(selector, places, load, problems))
    return _with_unique_ids(claims, problems, duplicates)


def _by_id(
    selector: str, places: Sequence[Path], load: Callable[[Path], Collected], problems: list[LoadProblem]
) -> Sequence[Found]:
    """The claims of an id or a prefix: shipped ones first, then those of the user's own files."""
    shipped = [f for file in _claim_files(shipped_folder(), deep=False) for f in load(file).claims]
    exact = [f for f in shipped if f.id == selector or f.id.startswith(selector.rstrip(".") + ".")]
    if exact:
        return exact
    for path, name in _own_files(selector, places):
        return _named(load(path).claims, name, selector, problems)
    matching = [f for f in shipped if f.id.startswith(selector)]
    if not matching:
        stem, _, name = selector.partition(".")
        own = f"; a claim of your own is named by its file, here {stem}.py::{name}" if name else ""
        problems.append(LoadProblem(selector, f"no claim has this id or prefix: see `verify list`{own}"))
    return matching


def _own_files(selector: str, places: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Files that an id as it is printed can mean, with the claim's name: `my.a` is `a` in `my.py`, `d1.my.a` in `d1/my.py`."""
    words = selector.split(".")
    if not all(words):
        return
    for count in (len(words) - 1, len(words)):
        if count == 0:
            continue
        tail, name = Path(*words[: count - 1], f"{words[count - 1]}.py"), ".".join(words[count:])
        if tail.is_file():
            yield tail, name
        for place in places:
            files = [place] if place.is_file() else _claim_files(place)
            yield from ((file, name) for file in files if file.parts[-count:] == tail.parts)


def _claim_files(folder: Path, *, deep: bool = True) -> list[Path]:
    """The Python files of a folder, without those that are private by name."""
    found = folder.rglob("*.py") if deep else folder.glob("*.py")
    return sorted(p for p in found if not p.name.startswith(("_", ".")))


def _with_unique_ids(
    claims: Sequence[Found], problems: Sequence[LoadProblem], duplicates: Sequence[tuple[str, str, str]]
) -> Collected:
    """Ids of files of one name get the names of their folders, as many as tell them apart; all others stay as they are."""
    files: dict[str, set[str]] = defaultdict(set)
    for found in claims:
        files[found.id].add(found.claim.file)
    clashing = {file for same in files.values() if len(same) > 1 for file in same}
    prefixes = _prefixes(clashing)

    def unique(identifier: str, file: str) -> str:
        return f"{prefixes.get(file, '')}{identifier}"

    return Collected(
        tuple(replace(f, id=unique(f.id, f.claim.file)) for f in claims),
        tuple(problems),
        tuple((unique(i, where.rpartition(":")[0]), where, message) for i, where, message in duplicates),
    )


def _prefixes(files: set[str]) -> dict[str, str]:
    """For each file `folder.` or `outer.folder.`, the fewest folders with which no two files of one name agree."""
    folders = {file: Path(file).resolve().parts[:-1] for file in files}
    found: dict[str, str] = {}
    for file, parts in folders.items():
        others = [p for other, p in folders.items() if other != file and Path(other).stem == Path(file).stem]
        depth = next((k for k in range(1, len(parts)) if all(p[-k:] != parts[-k:] for p in others)), len(parts))
        found[file] = ".".join(part.strip("/") for part in parts[-depth:]) + "."
    return found


def _named(found: Sequence[Found], name: str, selector: str, problems: list[LoadProblem]) -> list[Found]:
    if not name:
        return list(found)
    chosen = [f for f in found if f.claim.name == name]
    if not chosen and found:
        known = ", ".join(f.claim.name for f in found)
        problems.append(LoadProblem(selector, f"no claim named {name} in the file: it has {known}"))
    return chosen


def load_file(path: Path) -> Collected:
    """The claims of one file; a file that does not import is a problem, not an exception."""
    module, problem = load_module(path)
    if module is None:
        assert problem is not None
        return Collected((), (problem,))
    gathered = [c for c in module.__dict__["__collected_claims__"] if c.file == str(path)]
    stem = path.stem
    seen: dict[str, Claim] = {}
    found: list[Claim] = []
    duplicates: list[tuple[str, str, str]] = []
    for claim in gathered:
        if claim.name in seen:
            message = f"two claims are named {claim.name} (the other on line {seen[claim.name].line}): rename one of them"
            duplicates.append((f"{stem}.{claim.name}", f"{claim.file}:{claim.line}", message))
        else:
            seen[claim.name] = claim
            found.append(claim)
    for name, value in vars(module).items():
        if isinstance(value, Claim) and not value.name and not name.startswith("_"):
            found.append(replace(value, name=name))
    found.sort(key=lambda c: c.line)
    problems: tuple[LoadProblem, ...] = ()
    if not found and not duplicates:
        problems = (LoadProblem(str(path), "the file defines no claims: decorate a function with @claim"),)
    return Collected(tuple(Found(f"{stem}.{c.name}", c) for c in found), problems, tuple(duplicates))


def load_module(path: Path) -> tuple[types.ModuleType | None, LoadProblem | None]:
    """Execute a claim file under a private name; its claims are under `__collected_claims__`."""
    if path.suffix != ".py":
        return None, LoadProblem(str(path), "not a Python file: name a file that ends in .py")
    try:
        source = path.read_bytes()
    except OSError as error:
        return None, LoadProblem(str(path), f"the file cannot be read ({error.strerror}): check its permissions")
    name = f"_verify_claims_{abs(hash(str(path.resolve()))):x}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    sys.modules[name] = module
    before = set(sys.modules)
    try:
        with collecting() as gathered:
            exec(compile(source, str(path), "exec"), module.__dict__)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever the file does
        return None, _import_problem(path, error)
    finally:
        with suppress(ValueError):  # the file may have removed it itself
            sys.path.remove(folder)
        sys.modules.pop(name, None)
        _forget_siblings(before, folder)
    module.__dict__["__collected_claims__"] = gathered
    return module, None


def _forget_siblings(before: set[str], folder: str) -> None:
    """Modules imported from beside a claim file must not shadow those of another folder."""
    for name in set(sys.modules) - before:
        origin = getattr(sys.modules[name], "__file__", None)
        if origin is not None and str(Path(origin).resolve().parent) == folder:
            del sys.modules[name]


def _import_problem(path: Path, error: BaseException) -> LoadProblem:
    message = said(error)
    if isinstance(error, SyntaxError):
        return LoadProblem(f"{path}:{error.lineno or 1}", f"syntax error, {error.msg}: correct the file")
    line = 1
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == str(path):
            line = frame.lineno or 1
    what = message if isinstance(error, ClaimError) else f"{kind_of(error)}: {message}" if message else kind_of(error)
    return LoadProblem(f"{path}:{line}", f"the file does not import, {what}: correct this line")
