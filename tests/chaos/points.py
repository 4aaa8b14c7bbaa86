"""Every failpoint of the product, read from its source, and effects on the outside that stand beside none."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

ROOT = Path(__file__).resolve().parents[2]
PHASES = ("before", "after")
EXPANSIONS: Mapping[str, tuple[str, ...]] = {"http provider {method}": ("http provider GET", "http provider POST")}
"""What names with a placeholder can become."""

_OUTSIDE = (
    *("bot/playground/", "bot/audio/", "bot/doctor/", "bot/mix.py", "bot/database/restoring.py"),
    "bot/failpoints.py",
)
"""Runs in other processes; or is the mechanism itself."""
_HTTP = frozenset({"request", "get", "post", "put", "patch", "delete", "head", "ws_connect"})
_DISCORD = frozenset(
    {"send", "edit", "edit_message", "delete", "history", "sync", "create_dm", "edit_original_response"}
    | {
        "send_message",
        "send_modal",
        "defer",
        "autocomplete",
        "fetch_message",
        "fetch_member",
        "add_reaction",
        "pin",
    }
    | {"read", "save", "to_file", "add_reaction"}
)
_OURS = "service"
"""How cogs call a service of the bot, whose methods may be named like those of Discord's objects."""
_RENAMES = frozenset({"replace", "rename"})
_SCOPES = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)
_NAMES: dict[type[ast.AST], str] = {
    ast.Lambda: "<lambda>",
    ast.ListComp: "<listcomp>",
    ast.SetComp: "<setcomp>",
    ast.DictComp: "<dictcomp>",
    ast.GeneratorExp: "<genexpr>",
}


@dataclass(frozen=True)
class Bare:
    """An effect outside of any `around`."""

    where: str
    call: str

    def __str__(self) -> str:
        return f"{self.where}: {self.call} stands outside of an around(...)"


def names() -> list[str]:
    """The name of every effect; each has a point before and one after it."""
    found: set[str] = set()
    for path in sources():
        found |= set(points_in(path.read_text("utf-8"), _module(path)))
    return sorted(found)


def bare_effects() -> list[Bare]:
    """Every effect of the product that a crash could cut in two without a test knowing."""
    return [bare for path in sources() for bare in bare_in(path.read_text("utf-8"), _module(path))]


def sources() -> list[Path]:
    """The files whose code runs in the bot's own process."""
    files = sorted([*(ROOT / "bot").rglob("*.py"), *(ROOT / "cogs").rglob("*.py")])
    return [path for path in files if not path.relative_to(ROOT).as_posix().startswith(_OUTSIDE)]


def points_in(source: str, module: str) -> Iterator[str]:
    """The names in one module. ValueError for a unit or a name that cannot be told without running it."""
    tree = _with_parents(ast.parse(source))
    imported = _imports(tree)
    for call in _calls(tree):
        if isinstance(call.func, ast.Attribute) and call.func.attr == "work" and len(call.args) == 1:
            yield f"commit {_unit(call, module, imported)}"
        elif _is_around(call):
            yield from _around_names(call, module)


def bare_in(source: str, module: str) -> Iterator[Bare]:
    """The effects of one module that stand outside of an `around`."""
    discord = module.startswith("cogs") or module == "bot.client"
    for call in _calls(_with_parents(ast.parse(source))):
        if _is_effect(call, discord=discord) and not _is_inside_around(call):
            yield Bare(f"{module}:{call.lineno}", ast.unparse(call.func))


def _is_effect(call: ast.Call, *, discord: bool) -> bool:
    if not isinstance(call.func, ast.Attribute):
        return False
    name, owner = call.func.attr, ast.unparse(call.func.value)
    if name in _RENAMES and owner in ("os", "shutil"):
        return True
    if name == "move" and owner == "shutil":
        return True
    if name in _RENAMES:
        return len(call.args) == 1 and not call.keywords  # str.replace has two, dataclasses.replace is a bare name
    if not _is_awaited(call):
        return False
    return name in _HTTP or (discord and name in _DISCORD and owner != _OURS)


def _is_awaited(call: ast.Call) -> bool:
    """Whether it is waited for: `await`, `async with` or `async for`."""
    parent = _parent(call)
    if isinstance(parent, ast.withitem):
        return isinstance(_parent(parent), ast.AsyncWith)
    if isinstance(parent, ast.AsyncFor | ast.comprehension):
        return parent.iter is call
    return isinstance(parent, ast.Await)


def _is_inside_around(call: ast.Call) -> bool:
    """Up to the function it stands in, which is what runs when the effect does."""
    node: ast.AST | None = _parent(call)
    while node is not None and not isinstance(node, _SCOPES[:3]):
        if isinstance(node, ast.With | ast.AsyncWith) and any(_is_around(i.context_expr) for i in node.items):
            return True
        node = _parent(node)
    return False


def _is_around(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    return ast.unparse(node.func) in ("around", "failpoints.around")


def _around_names(call: ast.Call, module: str) -> Iterator[str]:
    [name] = call.args
    if isinstance(name, ast.Constant) and isinstance(name.value, str):
        yield name.value
        return
    if isinstance(name, ast.JoinedStr):
        text = "".join(
            str(part.value)
            if isinstance(part, ast.Constant)
            else f"{{{ast.unparse(cast(ast.FormattedValue, part).value)}}}"
            for part in name.values
        )
        if text in EXPANSIONS:
            yield from EXPANSIONS[text]
            return
    if ast.unparse(name) != "failpoints.commit_name(unit)":
        raise ValueError(f"{module}:{call.lineno}: {ast.unparse(name)} is not a name that can be read")


def _unit(call: ast.Call, module: str, imported: Mapping[str, str]) -> str:
    """What `bot.failpoints.commit_name` says of the argument when the program runs."""
    unit, scope = call.args[0], _qualname(call)
    if isinstance(unit, ast.Lambda):
        return f"{module}.{scope}"
    text = ast.unparse(unit)
    first, _, rest = text.partition(".")
    if first in imported:
        return f"{imported[first]}.{rest}" if rest else imported[first]
    if isinstance(unit, ast.Name):
        return f"{module}.{scope}.<locals>.{text}" if _is_nested(call, text) else f"{module}.{text}"
    if first == "self" and "." not in rest:
        return f"{module}.{scope.rpartition('.')[0]}.{rest}"
    raise ValueError(f"{module}:{call.lineno}: the name of {text} cannot be told from here")


def _is_nested(call: ast.Call, name: str) -> bool:
    """Whether the function around the call defines `name`."""
    node: ast.AST | None = call
    while node is not None and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        node = _parent(node)
    return node is not None and any(isinstance(n, ast.FunctionDef) and n.name == name for n in ast.walk(node))


def _qualname(node: ast.AST) -> str:
    """`__qualname__` of the function that a node stands in."""
    parts: list[str] = []
    scope: ast.AST | None = _parent(node)
    while scope is not None:
        if isinstance(scope, _SCOPES):
            own = getattr(scope, "name", None) or _NAMES[type(scope)]
            parts.insert(0, f"{own}.<locals>." if parts else own)
        elif isinstance(scope, ast.ClassDef):
            parts.insert(0, f"{scope.name}.")
        scope = _parent(scope)
    return "".join(parts)


def _imports(tree: ast.AST) -> dict[str, str]:
    """Full names by the names they have in this module."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _with_parents(tree: ast.AST) -> ast.AST:
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            child.parent = node  # pyright: ignore[reportAttributeAccessIssue]
    return tree


def _parent(node: ast.AST) -> ast.AST | None:
    return getattr(node, "parent", None)


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
