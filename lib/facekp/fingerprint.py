"""A digest of the code that a training runs.

A committed training stays valid while that code does. So the digest follows the definitions that
the given objects reach inside facekp, and no others: a new net beside an old one leaves the old
one's trainings valid. Comments, docstrings and blank lines do not count.
"""

import ast
import hashlib
import inspect
import io
import sys
import textwrap
import tokenize
from collections.abc import Iterator
from dataclasses import is_dataclass
from types import ModuleType

__all__ = ["code_digest"]

CONSTANTS = (int, float, str, tuple, list, dict, frozenset)


def code_digest(*objects: object) -> str:
    """Digest the source of functions and classes and of all that they use of facekp.

    Parameters
    ----------
    *objects : function or class
        Where the search begins.

    Returns
    -------
    str
        Hex sha256 over the definitions reached. Where they stand does not count, so that a module
        may be divided.
    """
    found: dict[str, str] = {}
    pending = list(objects)
    while pending:
        item = pending.pop()
        name = f"{item.__module__}.{item.__qualname__}"
        if name not in found:
            source = textwrap.dedent(inspect.getsource(item))
            found[name] = _bare(source)
            pending += _used(source, sys.modules[item.__module__], found)
    text = "\n".join(
        sorted(f"{name.rsplit('.', 1)[-1]}\n{source}" for name, source in found.items())
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _used(source: str, module: ModuleType, found: dict[str, str]) -> Iterator[object]:
    """Yield the functions and classes of facekp that a source names; note its constants."""
    for node in ast.walk(_Unannotated().visit(ast.parse(source))):
        value, name = None, ""
        if isinstance(node, ast.Name) and node.id in vars(module):
            name, value = f"{module.__name__}.{node.id}", vars(module)[node.id]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = vars(module).get(node.value.id)
            if isinstance(owner, ModuleType) and owner.__name__.startswith("facekp"):
                name, value = f"{owner.__name__}.{node.attr}", getattr(owner, node.attr, None)
        value = inspect.unwrap(value) if callable(value) else value
        if inspect.isfunction(value) or inspect.isclass(value):
            if value.__module__.startswith("facekp"):
                yield value
        elif isinstance(value, CONSTANTS) or is_dataclass(value):
            text = repr(value)
            if not name.endswith("__") and " at 0x" not in text:  # a table of functions is none
                found[name] = text


class _Unannotated(ast.NodeTransformer):
    """Drop annotations: what they name is passed in, not used by name."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.returns = None
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        return self.visit(node.value) if node.value else None


def _bare(source: str) -> str:
    """Strip comments, docstrings, blank lines and trailing space; keep the rest as it stands."""
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            text = node.body[0]
            for row in range(text.lineno, text.end_lineno + 1):
                lines[row - 1] = ""
    return "\n".join(line.rstrip() for line in lines if line.strip())
