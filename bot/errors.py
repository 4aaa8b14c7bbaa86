"""Refusals, faults and alerts as codes with typed values; the sentence for each code lives in `bot.texts`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, cast

Value = str | int | float


class Code(StrEnum):
    """Every way in which Twodeck says no; docs/operating.md lists them, `refusal-CODE` is the sentence."""

    # What the member asked for.
    FIELD_TOO_LONG = "field-too-long"
    WEIGHT_OUT_OF_RANGE = "weight-out-of-range"
    UNKNOWN_CHOICE = "unknown-choice"
    FIELD_MISSING = "field-missing"
    NOT_LYRICS = "not-lyrics"
    LYRICS_TWICE = "lyrics-twice"
    ENGINE_NOT_READY = "engine-not-ready"
    ENGINE_NEEDS = "engine-needs"
    ENGINE_OFF = "engine-off"
    OUT_OF_CREDITS = "out-of-credits"
    ENGINE_CANNOT = "engine-cannot"
    MODE_NOT_OFFERED = "mode-not-offered"
    OPTION_NOT_OFFERED = "option-not-offered"
    OPERATION_NOT_OFFERED = "operation-not-offered"
    NO_SUCH_PERSONA = "no-such-persona"
    PERSONA_ELSEWHERE = "persona-elsewhere"
    PERSONA_EXISTS = "persona-exists"
    PERSONA_NOT_OFFERED = "persona-not-offered"
    PERSONA_NOT_YOURS = "persona-not-yours"
    PERSONA_TOO_EARLY = "persona-too-early"
    PERSONA_UNKNOWN = "persona-unknown"
    # What a moderator chose for the guild.
    UNKNOWN_ZONE = "unknown-zone"
    NUMBER_OUT_OF_RANGE = "number-out-of-range"
    TOO_MANY_CHOSEN = "too-many-chosen"
    CONTROL_GONE = "control-gone"
    # Where it was asked.
    NEEDS_SERVER = "needs-server"
    MISSING_PERMISSIONS = "missing-permissions"
    CHANNEL_GONE = "channel-gone"
    THREAD_LOCKED = "thread-locked"
    EDITED_TOO_LATE = "edited-too-late"
    ANSWER_GONE = "answer-gone"
    DIRECT_CLOSED = "direct-closed"
    STOPPING = "stopping"
    BUSY = "busy"
    # The files that came with it.
    FILE_EMPTY = "file-empty"
    FILE_TOO_LARGE = "file-too-large"
    NOT_AUDIO = "not-audio"
    FORMAT_UNSUPPORTED = "format-unsupported"
    NEEDS_FFMPEG = "needs-ffmpeg"
    AUDIO_DAMAGED = "audio-damaged"
    AUDIO_SILENT = "audio-silent"
    AUDIO_TOO_SHORT = "audio-too-short"
    AUDIO_TOO_LONG = "audio-too-long"
    SAMPLE_RATE_UNSUPPORTED = "sample-rate-unsupported"
    CHANNELS_UNSUPPORTED = "channels-unsupported"
    HOST_NOT_ALLOWED = "host-not-allowed"
    DOWNLOAD_FAILED = "download-failed"
    SOURCE_MISSING = "source-missing"
    SOURCE_TWICE = "source-twice"
    SOURCE_UNKNOWN = "source-unknown"
    SOURCE_MASKED = "source-masked"
    MESSAGE_WITHOUT_AUDIO = "message-without-audio"
    DECKS_NOT_FULL = "decks-not-full"
    TOO_MANY_LOADS = "too-many-loads"
    # What was asked about a job.
    NO_SUCH_JOB = "no-such-job"
    NOT_YOUR_JOB = "not-your-job"
    NO_RESULT = "no-result"
    RESULT_EXPIRED = "result-expired"
    RESULT_REMOVED = "result-removed"
    SOURCES_GONE = "sources-gone"
    NOTHING_TO_REPEAT = "nothing-to-repeat"
    REQUESTER_ONLY = "requester-only"
    MODERATORS_ONLY = "moderators-only"
    OPERATORS_ONLY = "operators-only"
    TOO_LATE_TO_CANCEL = "too-late-to-cancel"
    TOO_MANY_WAITING = "too-many-waiting"
    TOO_MANY_COMPARISONS = "too-many-comparisons"
    SERVER_FULL = "server-full"
    QUOTA_MEMBER = "quota-member"
    QUOTA_GUILD = "quota-guild"
    CREDITS_SPENT = "credits-spent"
    COOLDOWN = "cooldown"
    # What the guild's moderators or the operator decided.
    NOT_SERVED = "not-served"
    BLOCKED = "blocked"
    BLOCKED_UNTIL = "blocked-until"
    GUILD_PAUSED = "guild-paused"
    ROLE_NEEDED = "role-needed"
    CHANNEL_NOT_ALLOWED = "channel-not-allowed"
    ENGINE_NOT_ALLOWED = "engine-not-allowed"
    MODEL_NOT_ALLOWED = "model-not-allowed"
    CONFIRMATION_GONE = "confirmation-gone"
    # What was asked of a contest.
    NO_SUCH_CONTEST = "no-such-contest"
    CONTEST_PHASE = "contest-phase"
    CONTEST_PAUSED = "contest-paused"
    CONTEST_FIXED = "contest-fixed"
    CONTEST_TITLE_MISSING = "contest-title-missing"
    CONTEST_TEXT_TOO_LONG = "contest-text-too-long"
    CONTEST_DATES = "contest-dates"
    CONTEST_DATE_PAST = "contest-date-past"
    CONTEST_DATE_FAR = "contest-date-far"
    CONTEST_DATE_EARLIER = "contest-date-earlier"
    CONTEST_ORGANISER_ONLY = "contest-organiser-only"
    TOO_MANY_CONTESTS = "too-many-contests"
    CONTEST_ROLE = "contest-role"
    CONTEST_ENGINE = "contest-engine"
    CONTEST_WITHOUT_SOURCES = "contest-without-sources"
    CONTEST_OTHER_SOURCES = "contest-other-sources"
    CONTEST_ENTRIES_FULL = "contest-entries-full"
    QUOTA_CONTEST = "quota-contest"
    RESULT_WAS_PUBLIC = "result-was-public"
    RESULT_ENTERED = "result-entered"
    NO_SUCH_ENTRY = "no-such-entry"
    OWN_ENTRY = "own-entry"
    NO_SUCH_TIE = "no-such-tie"
    CONTEST_NOT_PUBLISHED = "contest-not-published"
    # The moments of a contest, as they were typed.
    DATE_UNREADABLE = "date-unreadable"
    DATE_SKIPPED = "date-skipped"
    CHANNEL_CLOSED = "channel-closed"
    NO_OPEN_CONTEST = "no-open-contest"
    NOTHING_TO_CHANGE = "nothing-to-change"
    # What was asked about a finished result.
    RESULT_ARRIVING = "result-arriving"
    RESULT_DELETED = "result-deleted"
    RESULT_IN_CONTEST = "result-in-contest"
    RESULT_NOT_PRIVATE = "result-not-private"
    ALREADY_SHARED = "already-shared"
    ONE_SOURCE = "one-source"
    REASON_NEEDED = "reason-needed"
    SERVER_LEFT = "server-left"
    # What went wrong on the way.
    CANCELLED = "cancelled"
    WORKER_LIMIT = "worker-limit"
    WORKER_DIED = "worker-died"
    ENGINE_FAILED = "engine-failed"
    ENGINE_LOST_TASK = "engine-lost-task"
    ENGINE_REFUSED = "engine-refused"
    ENGINE_UNAVAILABLE = "engine-unavailable"
    CATALOGUE_MATCH = "catalogue-match"
    TEXT_REFUSED = "text-refused"
    OUTCOME_UNKNOWN = "outcome-unknown"
    RESULT_UNUSABLE = "result-unusable"
    RESULT_TOO_LARGE = "result-too-large"
    TOOK_TOO_LONG = "took-too-long"
    RESTORED = "restored"
    NO_SPACE = "no-space"
    UNEXPECTED = "unexpected"


class Cause(StrEnum):
    """What operators are told of; `alert-CAUSE` is the sentence."""

    BACKUP_FAILED = "backup-failed"
    CREDITS_LOW = "credits-low"
    DISK_LOW = "disk-low"
    ENGINE_STOPPED = "engine-stopped"
    OUT_OF_CREDITS = "out-of-credits"
    OUTCOME_UNKNOWN = "outcome-unknown"
    OVERCHARGED = "overcharged"
    UNEXPECTED = "unexpected"
    UNHEARD_STATE = "unheard-state"


class Alarm(Protocol):
    """How operators are told of something, once until it is over."""

    async def alert(self, cause: Cause, about: str = "", **values: Value) -> None: ...

    async def clear(self, cause: Cause, about: str = "") -> None: ...


@dataclass(frozen=True)
class Refusal:
    """A no with everything its sentence needs: `values` fill the placeholders of the text."""

    code: Code
    values: Mapping[str, Value] = field(default_factory=dict[str, Value])

    def to_json(self) -> dict[str, object]:
        return {"code": self.code.value, "values": dict(self.values)}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Refusal:
        values = data["values"]
        assert isinstance(values, dict)  # noqa: S101 - written by to_json
        return cls(Code(str(data["code"])), cast("dict[str, Value]", values))


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not a fault of the program
    """Carries a `Refusal` to the place that renders it."""

    def __init__(self, code: Code, **values: Value) -> None:
        self.refusal = Refusal(code, values)
        super().__init__(f"{code} {values}" if values else str(code))

    @classmethod
    def of(cls, refusal: Refusal) -> Refused:
        return cls(refusal.code, **refusal.values)
