"""How engines are, in words: for lists, for whoever asks for help, and for who waits for one of them."""

from __future__ import annotations

from collections.abc import Iterable

from bot.engines.orders import EngineState
from bot.texts import listed, say
from cogs.views.refusals import plain

_REASON = 160
"""Characters of an operator's reason: four engines that are off fit into one field of a card."""


def is_down(state: EngineState) -> bool:
    """Whether an engine that is set up here takes nothing, or does not answer, right now."""
    silent = state.account is not None and not state.account.reached
    return not state.needs and (state.off is not None or state.paused_until > 0 or silent)


def condition(state: EngineState, locale: str) -> str:
    """How an engine is, in one line."""
    if state.needs:
        return say(locale, "engines-not-ready", needs=state.needs)
    if state.off is not None:
        return say(locale, "engines-off", why=plain(state.off, _REASON))
    if state.paused_until:
        return say(locale, "engines-empty")
    return say(locale, "engines-silent" if is_down(state) else "engines-ready")


def status_lines(states: Iterable[EngineState], locale: str) -> str:
    """A line for each engine that is down, or that all are ready."""
    down = [state for state in states if is_down(state)]
    lines = [
        say(locale, "engines-line", engine=say(locale, f"engine-{state.name}"), condition=condition(state, locale))
        for state in down
    ]
    return "\n".join(lines) or say(locale, "engines-all-ready")


def story(state: EngineState, locale: str, *, operator: bool) -> str:
    """How an engine is, what it does, with which models, how long its texts may be; for operators its balance."""
    lines = [condition(state, locale)]
    if state.needs:
        return lines[0]
    if operator and state.account is not None and state.account.credits is not None:
        lines.append(say(locale, "engines-balance", credits=state.account.credits))
    commands = listed((f"`/{say(locale, f'name-{name}')}`" for name in state.offers), locale)
    lines.append(say(locale, "engines-does", operations=commands))
    offered = next(iter(state.offers.values()), None)
    if offered is not None and offered.models:
        models = listed((f"**{m}**" if m == offered.default_model else m for m in offered.models), locale)
        lines.append(say(locale, "engines-models", models=models))
    if offered is not None:
        limits = offered.limits
        lines.append(say(locale, "engines-limits", prompt=limits.prompt, style=limits.style, title=limits.title))
    return "\n".join(lines)
