"""Fails when a test file or a test function is not collected by pytest.

A test that is never collected passes for ever. This reads every file under `tests/`, lists what looks like
a test there, and compares it with what pytest says it would run. Usage: python tools/collected.py [FOLDER]
"""

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

# Files under tests/ that hold no tests, by name: fixtures, helpers and generated cases.
SUPPORT = ("conftest.py", "__init__.py")
SUPPORT_SUFFIXES = ("_helpers.py", "_fixtures.py", "_cases.py", "_strategies.py")


def problems(folder: Path, collected: set[str]) -> list[str]:
    """One line for each test that pytest would not run; `collected` holds `path::[Class::]function`."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        place = path.relative_to(folder.parent).as_posix()
        tree = ast.parse(path.read_text(encoding="utf-8"), place)
        if path.name in SUPPORT or path.name.endswith(SUPPORT_SUFFIXES):
            found += [f"{place}: {name} is a test in a file of helpers" for name in _tests(tree.body, "")]
            continue
        if not path.name.startswith("test_"):
            found.append(f"{place}: is not collected: name it test_{path.name}, or *{SUPPORT_SUFFIXES[0]}")
            continue
        names = list(_tests(tree.body, ""))
        if not names:
            found.append(f"{place}: holds no test")
        found += [
            f"{place}: {n} is written twice; the first never runs" for n, c in Counter(names).items() if c > 1
        ]
        found += [
            f"{place}: {name} is not collected" for name in names if f"{place}::{name}" not in collected
        ]
        found += [f"{place}: {name} is never used: is it a test?" for name in _forgotten(tree)]
    return found


def _tests(body: list[ast.stmt], prefix: str) -> Iterator[str]:
    """What is named like a test, however it is nested in classes or conditions."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if node.name.startswith("test"):
                yield prefix + node.name
        elif isinstance(node, ast.ClassDef):
            if not _is_state_machine(node):
                yield from _tests(node.body, f"{prefix}{node.name}::")
        elif isinstance(node, (ast.If, ast.Try, ast.With)):
            yield from _tests(node.body, prefix)
        elif isinstance(node, ast.Assign):
            yield from _machines(node)


def _machines(node: ast.Assign) -> Iterator[str]:
    """`TestThem = Them.TestCase` is how hypothesis makes a test of a state machine."""
    for target in node.targets:
        if isinstance(target, ast.Name) and target.id.startswith("Test"):
            yield f"{target.id}::runTest"


def _is_state_machine(node: ast.ClassDef) -> bool:
    return any("StateMachine" in ast.unparse(base) for base in node.bases)


def _forgotten(tree: ast.Module) -> Iterator[str]:
    """Public functions that are no test, no fixture, and named nowhere else in their file."""
    used = Counter(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
    for node in tree.body:
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if node.name.startswith(("test", "_", "pytest_")) or node.decorator_list or used[node.name]:
            continue
        yield node.name


def collected(folder: Path) -> set[str]:
    """What pytest would run, parameters left out."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode not in {0, 5}:
        sys.exit(f"collected: pytest could not collect {folder}:\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
    return {line.partition("[")[0] for line in run.stdout.splitlines() if "::" in line}


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "tests")
    if found := problems(folder, collected(folder)):
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
