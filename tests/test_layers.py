"""The three apps look one way: offers ← conversions ← dispatch ← trackingsite."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "offers": {"offers"},
    "conversions": {"offers", "conversions"},
    "dispatch": {"offers", "conversions", "dispatch"},
    "trackingsite": {"offers", "conversions", "dispatch", "trackingsite"},
}
LONGEST_FILE = 300

every_app = pytest.mark.parametrize("app", MAY_IMPORT)


def sources(app: str) -> dict[str, str]:
    """The text of every file that people write, by its path."""
    files = (path for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts)
    return {str(path.relative_to(ROOT)): path.read_text() for path in files}


def imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))


def imported_packages(text: str) -> set[str]:
    """The top-level packages a module imports; "." stands for a relative import."""
    packages = set()
    for node in imports(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            packages.add("." if node.level else str(node.module).partition(".")[0])
        else:
            packages |= {alias.name.partition(".")[0] for alias in node.names}
    return packages


def inner_imports(text: str) -> list[int]:
    """The lines of imports inside functions."""
    functions = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return [node.lineno for function in functions for node in imports(function)]


@every_app
def test_imports_only_from_the_left(app: str) -> None:
    ours = {*MAY_IMPORT, "tests", "."}

    wrong = {path: imported_packages(text) & ours - MAY_IMPORT[app] for path, text in sources(app).items()}

    assert not {path: packages for path, packages in wrong.items() if packages}


@every_app
def test_imports_nothing_inside_a_function(app: str) -> None:
    assert not {path: lines for path, text in sources(app).items() if (lines := inner_imports(text))}


@every_app
def test_files_fit_a_reader(app: str) -> None:
    lengths = {path: len(text.splitlines()) for path, text in sources(app).items()}

    assert not {path: length for path, length in lengths.items() if length > LONGEST_FILE}


def test_sees_what_it_looks_for() -> None:
    text = "from dispatch.models import Delivery\ndef late():\n    import conversions.digest\n    from . import x"

    assert imported_packages(text) == {"dispatch", "conversions", "."}
    assert inner_imports(text) == [3, 4]
