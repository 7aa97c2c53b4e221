"""Idempotency keys in Redis, by redis-py and Lua: which task was sent with each, and whether that is sure."""

from __future__ import annotations

import inspect
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final, Literal, Protocol

from satchel.calling.urls import redis_url
from satchel.codecs.base import require
from satchel.errors import SatchelError
from satchel.message.times import shown
from satchel.records import NamedTuple

State = Literal["mine", "sent", "busy", "other"]


class IdempotencyError(SatchelError):
    """Redis cannot be asked whether a key was used already. Nothing was sent."""


class Held(NamedTuple):
    """What is known of a key.

    Attributes:
        state: "mine": whoever asks is to send the task. "sent": it was sent. "busy": another caller is sending it.
            "other": the key is another task's.
        task_id: the id of the task, whoever sends it.
        task: its name.
        fresh: for "mine": nobody can have sent it before.
        ignored: for "sent": its result is ignored.
    """

    state: State
    task_id: str
    task: str
    fresh: bool = False
    ignored: bool = False


class Keys(Protocol):
    """Where keys are kept. Each method is atomic, and changes nothing that is another caller's."""

    def claim(self, key: str, *, token: str, task_id: str, task: str) -> Held:
        """Take a key for the caller `token`, unless it was used. From one taken for dead, its task id is taken over."""
        ...

    def settle(self, key: str, *, task_id: str, ignored: bool) -> None:
        """Note that the task was sent: a fact, whoever holds the key by now."""
        ...

    def unsettle(self, key: str, *, token: str) -> None:
        """Note that nobody knows whether it was sent, and that nobody is sending it any more."""
        ...

    def release(self, key: str, *, token: str) -> None:
        """Forget the key: the task was not sent."""
        ...

    def forget(self, key: str) -> bool:
        """Forget the key, whoever has it; say whether it was there."""
        ...

    def close(self) -> None:
        """Close the connections, where they are its own; it goes on working."""
        ...


# A key is a hash: state, token of the caller, task_id, task, since (milliseconds by Redis's own clock), fresh, ignored.
# ARGV: token, task_id, task, milliseconds after which a caller is taken for dead, milliseconds to keep the key.
# A caller that began in the future has its time from now on, and not until then: Redis's clock was set back, or another
# server, with a clock of its own, has taken over. NaN is not less than anything.
_CLAIM: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held = redis.call('HMGET', KEYS[1], 'state', 'token', 'task_id', 'task', 'since', 'fresh', 'ignored')
if not held[1] then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'state', 'sending', 'token', ARGV[1], 'task_id', ARGV[2], 'task', ARGV[3],
    'since', now, 'fresh', '1', 'ignored', '0')
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
  return {'mine', ARGV[2], ARGV[3], '1', '0'}
end
if held[4] ~= ARGV[3] then
  return {'other', held[3], held[4], '0', '0'}
end
if held[1] == 'sent' then
  return {'sent', held[3], held[4], '0', held[7]}
end
if held[1] == 'sending' and held[2] == ARGV[1] then
  return {'mine', held[3], held[4], held[6], '0'}
end
if held[1] == 'sending' then
  local since = tonumber(held[5]) or 0
  if since > now then
    since = now
    redis.call('HSET', KEYS[1], 'since', now)
  end
  if now - since < tonumber(ARGV[4]) then
    return {'busy', held[3], held[4], '0', '0'}
  end
end
redis.call('HSET', KEYS[1], 'state', 'sending', 'token', ARGV[1], 'since', now, 'fresh', '0')
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return {'mine', held[3], held[4], '0', '0'}
"""

# ARGV: task_id, ignored, milliseconds to keep the key.
_SETTLE: Final = """
if redis.call('HGET', KEYS[1], 'task_id') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'state', 'sent', 'ignored', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""

# ARGV: token. Another one, who was taken for dead, may have sent it meanwhile.
_UNSETTLE: Final = """
local held = redis.call('HMGET', KEYS[1], 'token', 'state')
if held[1] ~= ARGV[1] or held[2] ~= 'sending' then return 0 end
redis.call('HSET', KEYS[1], 'state', 'unsure')
return 1
"""

_RELEASE: Final = """
local held = redis.call('HMGET', KEYS[1], 'token', 'state')
if held[1] ~= ARGV[1] or held[2] ~= 'sending' then return 0 end
return redis.call('DEL', KEYS[1])
"""


class RedisKeys:
    """See `Keys`.

    Args:
        client: redis-py's, or the url of a server.
        prefix: stands before each key.
        ttl: milliseconds for which a key is kept behind the sending.
        takeover: milliseconds after which a caller that is sending is taken for dead.
    """

    def __init__(self, client: Any, *, prefix: str, ttl: int, takeover: int) -> None:
        self._url = redis_url(client, "the url of Idempotency(…)") if isinstance(client, str) else None
        self._made: Any = None if isinstance(client, str) else _checked(client)
        self._prefix = prefix
        self._ttl = ttl
        self._takeover = takeover
        # What is not settled outlasts whoever is sending it.
        self._unsettled = ttl + 2 * takeover

    def claim(self, key: str, *, token: str, task_id: str, task: str) -> Held:
        answer = self._run(_CLAIM, key, token, task_id, task, self._takeover, self._unsettled)
        try:
            state, held_id, name, fresh, ignored = map(_text, answer)
        except (TypeError, ValueError) as error:
            raise IdempotencyError(
                f"what Redis has for the key {shown(key)} was not written by this library",
                cure="forget the key, or give another prefix",
            ) from error
        return Held(state, held_id, name, fresh == "1", ignored == "1")  # type: ignore[arg-type]

    def settle(self, key: str, *, task_id: str, ignored: bool) -> None:
        self._run(_SETTLE, key, task_id, "1" if ignored else "0", self._ttl)

    def unsettle(self, key: str, *, token: str) -> None:
        self._run(_UNSETTLE, key, token)

    def release(self, key: str, *, token: str) -> None:
        self._run(_RELEASE, key, token)

    def forget(self, key: str) -> bool:
        with _errors():
            return bool(self._client().delete(self._prefix + key))

    def close(self) -> None:
        if self._url is not None and self._made is not None:
            client, self._made = self._made, None
            client.close()
            client.connection_pool.disconnect()

    def _run(self, script: str, key: str, *values: Any) -> Any:
        with _errors():
            return self._client().eval(script, 1, self._prefix + key, *values)

    def _client(self) -> Any:
        if self._made is None:
            self._made = _library().Redis.from_url(self._url, socket_timeout=10, socket_connect_timeout=4)
        return self._made


def _checked(client: Any) -> Any:
    call = getattr(client, "eval", None)
    if not callable(call) or not callable(getattr(client, "delete", None)):
        raise TypeError(f"a client of redis-py, or the url of a server, is needed, got {shown(client)}")
    if inspect.iscoroutinefunction(getattr(client, "execute_command", None)):
        raise TypeError(f"a client that blocks is needed, such as redis.Redis, got {shown(client)} of redis.asyncio")
    return client


def _text(value: Any) -> str:
    return value if isinstance(value, str) else bytes(value).decode()


@contextmanager
def _errors() -> Generator[None]:
    errors = _library().exceptions
    try:
        yield
    except (errors.RedisError, OSError) as error:
        raise IdempotencyError(
            f"the idempotency keys in Redis cannot be used: {type(error).__name__}: {str(error)[:200]}",
            cure="see that Redis runs there, and that its url and password are right",
        ) from error


def _library() -> Any:
    return require("redis", codec="an idempotency key", library="redis", extra="redis")
