"""Every knob of the page: the table, and the small functions behind its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.playground import workers
from bot.playground.errors import MemberError
from bot.playground.faults import WHERE, Effect
from bot.playground.knob import Asked, Knob, choice, number, place
from bot.playground.knobs import NONCE_SECONDS, Knobs
from bot.playground.permissions import NOTHING, Permission
from bot.playground.places import UPLOAD_LIMITS
from bot.playground.world import MEBIBYTE

COUNT = number("count", "How many", 1, 1, 50)
WHICH = choice("where", "Which", **{name: text for name, (_, _, text) in WHERE.items()})
APPLIED = choice("applied", "When", no="before anything happens", yes="after it was carried out")
CHANNEL = place("channel", "Channel")


def _rate_limit(asked: Asked) -> None:
    asked.knobs.rate_limit(**asked.fault, seconds=asked.values["seconds"])


def _server_error(asked: Asked) -> None:
    status, applied = int(asked.values["status"]), asked.values["applied"] == "yes"
    asked.knobs.server_error(**asked.fault, status=status, applied=applied)


def _reset(asked: Asked) -> None:
    asked.knobs.reset(**asked.fault, applied=asked.values["applied"] == "yes")


def _forbid(asked: Asked) -> None:
    asked.knobs.forbid(asked.channel, int(asked.values["code"]))


async def _drop(asked: Asked) -> str:
    how = asked.values["how"]
    if how == "dropped":
        await asked.knobs.drop_gateway()
    elif how == "reconnect":
        await asked.knobs.ask_to_reconnect()
    else:
        await asked.knobs.invalidate_session()
    return "The bot has to connect again."


def _tokens(asked: Asked) -> str | None:
    if asked.values["which"] == "next":
        return asked.knobs.void_next_tokens()
    asked.knobs.expire_tokens()
    return "No interaction so far can be answered any more."


def _links(asked: Asked) -> str:
    asked.knobs.expire_links()
    asked.world.tell("scene")
    return "Every file link given out so far has expired."


def _delete_channel(asked: Asked) -> str:
    if not asked.channel.is_thread and sum(not c.is_thread for c in asked.world.guild.channels.values()) == 1:
        raise MemberError("The last channel stays.", field="channel")
    asked.knobs.delete_channel(asked.channel)
    return f"#{asked.channel.name} is gone."


def _deny(asked: Asked) -> None:
    asked.knobs.remove_permission(asked.channel, Permission[asked.values["permission"]])


def _thread(asked: Asked) -> str | None:
    if asked.values["how"] == "open":
        opened = asked.knobs.places.create_thread(asked.channel, {"name": "A thread"}, asked.world.bot.id)
        return f"#{opened.name} is open."
    return asked.knobs.close_thread(asked.channel, lock=asked.values["how"] == "lock")


def _slowed(knobs: Knobs) -> str:
    return _channels(sum(bool(one.slow_seconds) for one in knobs.places.all()))


def _closed_threads(knobs: Knobs) -> str:
    count = sum(one.locked or one.archived for one in knobs.places.all())
    return f"{count} closed" if count else ""


def _delete_message(asked: Asked) -> str:
    if asked.message is not None:
        asked.knobs.delete_message(asked.message)
    return "The message was deleted."


def _close_direct(asked: Asked) -> None:
    asked.knobs.close_direct(asked.member)


def _clock(asked: Asked) -> str:
    asked.knobs.move_clock(asked.values["minutes"] * 60)
    return f"It is {asked.values['minutes']:g} minutes later."


async def _restart(asked: Asked) -> str:
    await asked.knobs.restart_bot()
    return "The bot was killed; it starts again."


def _left(effect: Effect) -> Callable[[Knobs], str]:
    return lambda knobs: _more(knobs.faults.left(effect))


def _more(count: int) -> str:
    return f"{count} more" if count else ""


def _denied(knobs: Knobs) -> str:
    taken = knobs.places.denied()
    return ", ".join(_words(one) for one in Permission if one in taken) if taken != NOTHING else ""


def _words(permission: Permission) -> str:
    return (permission.name or "").replace("_", " ").capitalize()


def _boosted(knobs: Knobs) -> str:
    return f"{knobs.upload_limit >> 20} MiB" if knobs.upload_limit != UPLOAD_LIMITS[0] else ""


def _channels(count: int) -> str:
    return f"{count} channel{'s' if count > 1 else ''}" if count else ""


_TAKEABLE = (
    Permission.SEND_MESSAGES,
    Permission.ATTACH_FILES,
    Permission.EMBED_LINKS,
    Permission.VIEW_CHANNEL,
    Permission.READ_MESSAGE_HISTORY,
    Permission.SEND_MESSAGES_IN_THREADS,
)


def _no_process(knobs: Knobs) -> str:
    return "" if knobs.has_process else "The bot is not a process of its own here."


def _no_workers(knobs: Knobs) -> str:
    return _no_process(knobs) if workers.POSSIBLE else "Only Linux can hold up the bot's workers."


_REQUESTS = (
    Knob(
        "rate-limit",
        "Requests",
        "Answer 429",
        "The next requests are told to wait.",
        _rate_limit,
        (COUNT, WHICH, number("seconds", "Wait", 1, 0.1, 60, "s")),
        _left(Effect.RATE_LIMIT),
        lambda asked: asked.knobs.rate_limit(0),
    ),
    Knob(
        "server-error",
        "Requests",
        "Answer 5xx",
        "The next requests fail on Discord's side.",
        _server_error,
        (
            COUNT,
            WHICH,
            choice("status", "Status", _500="500", _502="502", _503="503", _504="504"),
            APPLIED,
        ),
        _left(Effect.SERVER_ERROR),
        lambda asked: asked.knobs.server_error(0),
    ),
    Knob(
        "reset",
        "Requests",
        "Break the connection",
        "The next requests get no answer at all.",
        _reset,
        (COUNT, WHICH, APPLIED),
        _left(Effect.RESET),
        lambda asked: asked.knobs.reset(0),
    ),
    Knob(
        "slow",
        "Requests",
        "Slow answers",
        "Every request is held up.",
        lambda asked: asked.knobs.slow(asked.values["seconds"], asked.values["where"]),
        (number("seconds", "By", 1, 0.1, 30, "s"), WHICH),
        lambda knobs: f"{knobs.faults.slow_seconds:g} s" if knobs.faults.slow_seconds else "",
        lambda asked: asked.knobs.slow(0),
    ),
    Knob(
        "forbid",
        "Requests",
        "Answer 403 in a channel",
        "Whatever the bot wants there is refused.",
        _forbid,
        (CHANNEL, choice("code", "Code", _50001="50001 Missing Access", _50013="50013 Missing Permissions")),
        lambda knobs: _channels(len(knobs.faults.closed_channels)),
        lambda asked: asked.knobs.allow_all(),
    ),
    Knob(
        "buckets",
        "Requests",
        "Rate limits",
        "How many requests fit in a while.",
        lambda asked: asked.knobs.buckets(asked.values["mode"]),
        (choice("mode", "Limits", discord="as on Discord", generous="20 times as many", off="off"),),
        lambda knobs: "" if knobs.limits.mode == knobs.limits.normal else knobs.limits.mode,
        lambda asked: asked.knobs.buckets(asked.knobs.limits.normal),
    ),
    Knob(
        "calm",
        "Requests",
        "Everything back to normal",
        "Ends all that can be ended; what was deleted stays deleted.",
        lambda asked: asked.knobs.calm(),
    ),
)
_CONNECTION = (
    Knob(
        "drop-gateway",
        "Connection",
        "Drop the gateway",
        "The bot loses its live connection.",
        _drop,
        (
            choice(
                "how",
                "How",
                dropped="it breaks",
                reconnect="the bot is asked to reconnect",
                invalid="its session is declared invalid",
            ),
        ),
    ),
    Knob(
        "late-ack",
        "Connection",
        "Late answer",
        "The next interactions reach the bot when its three seconds are over.",
        lambda asked: asked.knobs.late_ack(int(asked.values["count"])),
        (COUNT,),
        lambda knobs: _more(knobs.faults.late),
        lambda asked: asked.knobs.late_ack(0),
    ),
    Knob(
        "expire-tokens",
        "Connection",
        "Expire interaction tokens",
        "As if fifteen minutes had passed for them.",
        _tokens,
        (choice("which", "Which", all="all so far", next="the next one, after its first answer"),),
        lambda knobs: _more(knobs.faults.voided),
        lambda asked: asked.knobs.void_next_tokens(0),
    ),
    Knob("expire-links", "Connection", "Expire file links", "Links given out so far stop working.", _links),
    Knob(
        "claim-size",
        "Connection",
        "Claim a file size",
        "The next file of a command says that it is this large.",
        lambda asked: asked.knobs.claim_size(int(asked.values["mebibytes"] * MEBIBYTE)),
        (number("mebibytes", "Size", 5120, 1, 10_000, "MiB"),),
        lambda knobs: f"{knobs.faults.claim / MEBIBYTE:g} MiB" if knobs.faults.claim else "",
        lambda asked: asked.knobs.claim_size(0),
    ),
)
_SERVER = (
    Knob("delete-channel", "Server", "Delete a channel", "With all that is in it.", _delete_channel, (CHANNEL,)),
    Knob(
        "remove-permission",
        "Server",
        "Take a permission from the bot",
        "In one channel.",
        _deny,
        (CHANNEL, choice("permission", "Permission", "permission", **{p.name or "": _words(p) for p in _TAKEABLE})),
        _denied,
        lambda asked: asked.knobs.restore_permissions(),
    ),
    Knob(
        "slow-mode",
        "Server",
        "Slow mode",
        "So long between two messages of the bot.",
        lambda asked: asked.knobs.slow_mode(asked.channel, asked.values["seconds"]),
        (CHANNEL, number("seconds", "Wait", 10, 1, 21_600, "s")),
        _slowed,
        lambda asked: asked.knobs.reopen(),
    ),
    Knob(
        "thread",
        "Server",
        "Open or close a thread",
        "Writing opens an archived one again; a locked one takes nothing.",
        _thread,
        (CHANNEL, choice("how", "How", open="a new one in this channel", archive="archive it", lock="lock it")),
        _closed_threads,
        lambda asked: asked.knobs.reopen(),
    ),
    Knob(
        "delete-message",
        "Server",
        "Delete a message",
        "As a moderator would.",
        _delete_message,
        (CHANNEL, place("message", "Message")),
    ),
    Knob(
        "upload-limit",
        "Server",
        "Boost the server",
        "The boost level decides how large the bot's files may be.",
        lambda asked: asked.knobs.boost(int(asked.values["level"])),
        (choice("level", "Level", _0="0: 10 MiB", _2="2: 50 MiB", _3="3: 100 MiB"),),
        _boosted,
        lambda asked: asked.knobs.boost(0),
    ),
    Knob(
        "close-direct",
        "Server",
        "Close a member's direct messages",
        "What the bot sends them directly is refused.",
        _close_direct,
        (place("member", "Member"),),
        lambda knobs: ", ".join(knobs.closed_directs()),
        lambda asked: asked.knobs.open_directs(),
    ),
    Knob(
        "remove-bot",
        "Server",
        "Remove the bot from the server",
        "Ending this invites it again.",
        lambda asked: asked.knobs.remove_bot(),
        (),
        lambda knobs: "" if knobs.bot_inside else "removed",
        lambda asked: asked.knobs.invite_bot(),
    ),
)
_TIME_AND_BOT = (
    Knob(
        "clock",
        "Time",
        "Move the clock",
        "Discord's clock goes ahead; the bot's own does not.",
        _clock,
        (number("minutes", "By", 16, 0.1, 100_000, "min"),),
    ),
    Knob(
        "nonce-window",
        "Time",
        "Nonce window",
        "For how long a repeated post is recognised.",
        lambda asked: asked.knobs.nonce_window(asked.values["seconds"]),
        (number("seconds", "For", 120, 0, 3600, "s"),),
        lambda knobs: "" if knobs.nonce_seconds == NONCE_SECONDS else f"{knobs.nonce_seconds:g} s",
        lambda asked: asked.knobs.nonce_window(),
    ),
    Knob(
        "slow-engine",
        "Bot",
        "Hold up the engine",
        "The bot's audio workers stand still for a while.",
        lambda asked: asked.knobs.slow_engine(asked.values["seconds"]),
        (number("seconds", "For", 10, 1, 600, "s"),),
        lambda knobs: "held up" if knobs.engine_held else "",
        lambda asked: asked.knobs.slow_engine(0),
        _no_workers,
    ),
    Knob(
        "restart-bot",
        "Bot",
        "Kill the bot",
        "Its process ends in the middle of everything and starts again.",
        _restart,
        why_not=_no_process,
    ),
)
KNOBS: Mapping[str, Knob] = {knob.id: knob for knob in (*_REQUESTS, *_CONNECTION, *_SERVER, *_TIME_AND_BOT)}
"""By id, in the order in which the page shows them."""
