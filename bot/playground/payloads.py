"""The JSON shapes in which Discord tells a bot about users, guilds, channels and messages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from bot.playground import permissions
from bot.playground.files import Files
from bot.playground.permissions import Permission
from bot.playground.world import (
    DIRECT_MESSAGES,
    LOADING,
    PUBLIC_THREAD,
    TEXT_CHANNEL,
    Channel,
    Guild,
    Interaction,
    Json,
    Member,
    Message,
    Role,
    User,
    World,
)

_LINKS = ("url", "proxy_url")


def timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def user(person: User) -> Json:
    return {
        "id": str(person.id),
        "username": person.name,
        "global_name": None if person.bot else person.display_name,
        "discriminator": "0",
        "avatar": None,
        "avatar_decoration_data": None,
        "collectibles": None,
        "banner": None,
        "accent_color": None,
        "public_flags": 0,
        "flags": 0,
        "bot": person.bot,
        "system": False,
        "clan": None,
        "primary_guild": None,
    }


def myself(person: User) -> Json:
    """The answer to /users/@me, which says more than other users are told."""
    return user(person) | {"mfa_enabled": True, "verified": True, "locale": person.locale, "email": None, "bio": ""}


def member(one: Member, *, with_user: bool = True) -> Json:
    body: Json = {
        "nick": None,
        "avatar": None,
        "banner": None,
        "avatar_decoration_data": None,
        "collectibles": None,
        "roles": [str(role_id) for role_id in one.role_ids],
        "joined_at": timestamp(one.joined_at),
        "premium_since": None,
        "communication_disabled_until": None,
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
    }
    return body | {"user": user(one.user)} if with_user else body


def member_in(world: World, user_id: int, channel_id: int, *, with_user: bool = True) -> Json:
    """A member with the permissions computed for one channel."""
    allowed = world.allowed(user_id, channel_id)
    return member(world.guild.members[user_id], with_user=with_user) | {"permissions": bits(allowed)}


def bits(allowed: Permission) -> str:
    return str(int(allowed) & ((1 << 53) - 1))


def role(world: World, one: Role) -> Json:
    body: Json = {
        "id": str(one.id),
        "name": one.name,
        "color": one.color,
        "colors": {"primary_color": one.color, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "icon": None,
        "unicode_emoji": None,
        "position": one.position,
        "permissions": bits(one.permissions),
        "managed": one.managed,
        "mentionable": one.mentionable,
        "flags": 0,
    }
    return body | {"tags": {"bot_id": str(world.bot.id)}} if one.managed else body


def channel(world: World, one: Channel) -> Json:
    newest = world.newest.get(one.id)
    if one.is_thread:
        return _thread(world, one, newest)
    if one.recipient_id is not None:
        return {
            "id": str(one.id),
            "type": DIRECT_MESSAGES,
            "last_message_id": None if newest is None else str(newest),
            "flags": 0,
            "recipients": [user(world.guild.members[one.recipient_id].user)],
        }
    return {
        "id": str(one.id),
        "type": TEXT_CHANNEL,
        "guild_id": str(world.guild.id),
        "name": one.name,
        "topic": one.topic,
        "position": one.position,
        "nsfw": False,
        "parent_id": None,
        "rate_limit_per_user": int(one.slow_seconds),
        "last_message_id": None if newest is None else str(newest),
        "flags": 0,
        "permission_overwrites": [
            {
                "id": str(o.target_id),
                "type": int(o.is_member),
                "allow": bits(o.allow),
                "deny": bits(o.deny),
            }
            for o in one.overwrites
        ],
    }


def _thread(world: World, one: Channel, newest: int | None) -> Json:
    return {
        "id": str(one.id),
        "type": PUBLIC_THREAD,
        "guild_id": str(world.guild.id),
        "parent_id": str(one.parent_id),
        "owner_id": str(one.owner_id),
        "name": one.name,
        "last_message_id": None if newest is None else str(newest),
        "rate_limit_per_user": 0,
        "message_count": sum(1 for m in world.messages.values() if m.channel_id == one.id),
        "total_message_sent": sum(1 for m in world.messages.values() if m.channel_id == one.id),
        "member_count": 1,
        "flags": 0,
        "thread_metadata": {
            "archived": one.archived,
            "auto_archive_duration": one.archive_minutes,
            "archive_timestamp": timestamp(one.created),
            "locked": one.locked,
            "create_timestamp": timestamp(one.created),
        },
    }


def channels(world: World, *, threads: bool) -> list[Json]:
    """The channels of the guild, or its open threads."""
    found = world.guild.channels.values()
    return [channel(world, one) for one in found if one.is_thread == threads and not one.archived]


def guild(world: World) -> Json:
    """The guild as GET /guilds/{id} gives it."""
    club: Guild = world.guild
    nothing = ("icon", "splash", "discovery_splash", "home_header", "description", "banner", "vanity_url_code")
    channels = ("afk_channel_id", "widget_channel_id", "system_channel_id", "rules_channel_id")
    more_channels = ("public_updates_channel_id", "safety_alerts_channel_id")
    lists = ("features", "emojis", "stickers", "stage_instances", "guild_scheduled_events", "soundboard_sounds")
    return {
        "id": str(club.id),
        "name": club.name,
        "owner_id": str(club.owner_id),
        "application_id": None,
        "region": "local",
        "afk_timeout": 300,
        "verification_level": 0,
        "default_message_notifications": 1,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "nsfw": False,
        "premium_tier": club.premium_tier,
        "premium_subscription_count": 0,
        "premium_progress_bar_enabled": False,
        "preferred_locale": "en-US",
        "system_channel_flags": 0,
        "widget_enabled": False,
        "max_members": 500_000,
        "max_presences": None,
        "max_video_channel_users": 25,
        "max_stage_video_channel_users": 50,
        "incidents_data": None,
        "roles": [role(world, one) for one in club.roles.values()],
        **dict.fromkeys(nothing + channels + more_channels),
        **{name: [] for name in lists},
    }


def guild_create(world: World) -> Json:
    """The guild as the gateway gives it to a bot that asked for guilds only."""
    club = world.guild
    return guild(world) | {
        "joined_at": timestamp(club.members[world.bot.id].joined_at),
        "large": False,
        "unavailable": False,
        "member_count": len(club.members),
        "members": [member(club.members[world.bot.id])],
        "channels": channels(world, threads=False),
        "threads": channels(world, threads=True),
        "presences": [],
        "voice_states": [],
    }


def application(world: World) -> Json:
    new: Json = {
        "id": str(world.application_id),
        "name": world.bot.display_name,
        "icon": None,
        "description": "",
        "summary": "",
        "type": None,
        "bot": user(world.bot),
        "bot_public": True,
        "bot_require_code_grant": False,
        "owner": user(world.owner),
        "team": None,
        "verify_key": "0" * 64,
        "flags": 0,
        "flags_new": "0",
        "rpc_origins": [],
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "eligible_oauth2_scopes": [],
        "explicit_content_filter": 0,
        "tags": [],
        "approximate_guild_count": 1,
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "integration_types_config": {"0": {}},
    }
    return new | world.application


def message(world: World, files: Files, one: Message) -> Json:
    """A message with freshly signed links."""
    author = world.guild.members[one.author_id].user
    body: Json = {
        "id": str(one.id),
        "channel_id": str(one.channel_id),
        "author": user(author),
        "content": one.content,
        "timestamp": timestamp(one.created),
        "edited_timestamp": None if one.edited is None else timestamp(one.edited),
        "tts": False,
        "mention_everyone": False,
        "mentions": [user(world.guild.members[user_id].user) for user_id in one.mention_ids],
        "mention_roles": [str(role_id) for role_id in one.mention_role_ids],
        "attachments": [files.payload(attachment) for attachment in one.attachments],
        "embeds": _fresh(files, one.embeds),
        "components": _fresh(files, one.components),
        "pinned": False,
        "type": one.kind,
        "flags": one.flags,
    }
    if one.nonce is not None:
        body["nonce"] = one.nonce
    if one.reference_id is not None:
        body |= _reference(world, files, one)
    if one.author_id == world.bot.id:
        body["application_id"] = str(world.application_id)
    if one.interaction is not None:
        body["webhook_id"] = str(world.application_id)
        body |= _origin(world, one.interaction)
    return body


def _fresh(files: Files, value: Any) -> Any:
    """The same with newly signed links where embeds or components show files of ours."""
    if isinstance(value, list):
        return [_fresh(files, item) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    return {
        key: files.renew(item) if key in _LINKS and isinstance(item, str) else _fresh(files, item)
        for key, item in cast("Json", value).items()
    }


def guild_of(world: World, one: Message) -> Json:
    """The key that says in which guild a message is; direct messages are in none."""
    return {} if one.channel_id in world.directs else {"guild_id": str(world.guild.id)}


def _reference(world: World, files: Files, one: Message) -> Json:
    target = world.messages.get(one.reference_id or 0)
    return {
        "message_reference": {
            "type": 0,
            "message_id": str(one.reference_id),
            "channel_id": str(one.channel_id),
            **guild_of(world, one),
        },
        "referenced_message": None if target is None else message(world, files, target),
    }


def _origin(world: World, interaction: Interaction) -> Json:
    person = user(world.guild.members[interaction.user_id].user)
    metadata: Json = {
        "id": str(interaction.id),
        "type": interaction.kind,
        "user": person,
        "authorizing_integration_owners": {"0": str(world.guild.id)},
    }
    if interaction.kind == 3 and interaction.source is not None:
        metadata["interacted_message_id"] = str(interaction.source.id)
    if interaction.kind == 5:
        metadata["triggering_interaction_metadata"] = metadata | {"type": 2}
    if interaction.kind != 2:
        return {"interaction_metadata": metadata}
    old = {"id": str(interaction.id), "type": 2, "name": interaction.name, "user": person}
    return {"interaction_metadata": metadata, "interaction": old}


def unread(world: World, body: Json) -> Json:
    """A message as a bot without the content intent sees it: empty unless direct, its own or mentioning it."""
    bot_id = str(world.bot.id)
    direct = int(body["channel_id"]) in world.directs
    if direct or body["author"]["id"] == bot_id or any(one["id"] == bot_id for one in body["mentions"]):
        return body
    return body | {"content": "", "embeds": [], "attachments": [], "components": []}


def for_page(world: World, files: Files, one: Message) -> Json:
    """A message with what only the page needs to know."""
    return message(world, files, one) | {
        "visible_to": None if one.visible_to is None else str(one.visible_to),
        "loading": bool(one.flags & LOADING),
    }


def permissions_of(world: World, user_id: int) -> Permission:
    return permissions.in_guild(world.guild, world.guild.members[user_id])
