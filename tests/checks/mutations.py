"""Small changes of a module's source, each of which its tests should notice."""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
}
_AROUND = 60
_CLAUSE = re.compile(r"\b(SET|WHERE|AND|OR|ON)\b")
_SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|WHERE|SET|ORDER BY|AND)\b")
_IN_SQL = {
    " <= ": " < ",
    " < ": " <= ",
    " + ": " - ",
    " - ": " + ",
    " AND ": " OR ",
    " OR ": " AND ",
    " NOT IN ": " IN ",
    " != ": " = ",
    " IS NULL": " IS NOT NULL",
    " IS NOT NULL": " IS NULL",
    " = ?": " != ?",
}


@dataclass(frozen=True)
class Mutation:
    """One change: where it is, the line before and after, and the whole source with it."""

    line: int
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        return f"{self.line}: {self.before} -> {self.after}"


def mutations(source: str) -> list[Mutation]:
    """Every change of a module, in the order of its lines."""
    tree = ast.parse(source)
    found: list[Mutation] = []
    for number, node in enumerate(ast.walk(tree)):
        for change in _changes(node):
            mutant = copy.deepcopy(tree)
            target = next(n for i, n in enumerate(ast.walk(mutant)) if i == number)
            before = _told(target)
            change(target)
            text = ast.unparse(ast.fix_missing_locations(mutant))
            found.append(Mutation(getattr(node, "lineno", 0), *_near(before, _told(target)), text))
    skipped = _left_alone(tree)
    return sorted((m for m in found if m.line not in skipped), key=lambda m: m.line)


def _told(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())


def _near(before: str, after: str) -> tuple[str, str]:
    """Both without the long parts that they share."""
    same = _alike(before, after)
    end = _alike(before[same:][::-1], after[same:][::-1])
    first, last = max(0, same - _AROUND), max(0, end - _AROUND)
    return before[first : len(before) - last], after[first : len(after) - last]


def _alike(one: str, other: str) -> int:
    """How many characters both begin with."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _left_alone(tree: ast.Module) -> set[int]:
    """Lines that change nothing in what is computed: docstrings, imports, decorators."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            lines.update(decorator.lineno for decorator in node.decorator_list)
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, ast.stmt) and (docstring or isinstance(node, ast.Import | ast.ImportFrom)):
            lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


def _changes(node: ast.AST) -> Iterator[Callable[[ast.AST], None]]:
    match node:
        case ast.Compare(ops=ops):
            yield from (_swap_compare(i, _COMPARE[type(op)]) for i, op in enumerate(ops) if type(op) in _COMPARE)
        case ast.BinOp(op=op) if type(op) in _ARITHMETIC:
            yield _set("op", _ARITHMETIC[type(op)]())
        case ast.BoolOp(op=op):
            yield _set("op", ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.If() | ast.IfExp() | ast.While():
            yield _negate
        case ast.Constant(value=bool(value)):
            yield _set("value", not value)
        case ast.Constant(value=int(value)):
            yield _set("value", value + 1)
        case ast.Constant(value=str(value)) if _SQL.search(value):
            yield from (_set("value", other) for other in _other_sql(value))
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield _set("value", ast.Constant(None))
        case ast.Expr(value=ast.Call() | ast.Await()):
            yield _set("value", ast.Constant(None))
        case ast.AugAssign(op=op) if type(op) in _ARITHMETIC:
            yield _set("op", _ARITHMETIC[type(op)]())
        case _:
            pass


def _other_sql(value: str) -> Iterator[str]:
    for old, new in _IN_SQL.items():
        for place in re.finditer(re.escape(old), value):
            clauses = _CLAUSE.findall(value[: place.start()])
            if old != " = ?" or (clauses and clauses[-1] != "SET"):
                yield value[: place.start()] + new + value[place.end() :]


def _set(name: str, value: object) -> Callable[[ast.AST], None]:
    return lambda node: setattr(node, name, value)


def _swap_compare(index: int, other: type[ast.cmpop]) -> Callable[[ast.AST], None]:
    def change(node: ast.AST) -> None:
        assert isinstance(node, ast.Compare)
        node.ops[index] = other()

    return change


def _negate(node: ast.AST) -> None:
    assert isinstance(node, ast.If | ast.IfExp | ast.While)
    node.test = ast.UnaryOp(ast.Not(), node.test)
