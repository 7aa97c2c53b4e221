"""Idempotency keys: of all calls with the same key, one is sent, and all get its result; by redis-py."""

from __future__ import annotations

import time
import warnings
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from satchel.calling.errors import OperationalError
from satchel.calling.idempotency.keys import Held, IdempotencyError, Keys, RedisKeys
from satchel.calling.results import AsyncResult
from satchel.calling.signature import Signature
from satchel.message.checks import any_text, short_text
from satchel.message.fields import new_id
from satchel.message.times import duration, shown

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from satchel.calling.call_options import CallOptions
    from satchel.calling.results import Backend

__all__ = ["Idempotency", "IdempotencyError", "KeyedResult"]

R_co = TypeVar("R_co", covariant=True)

_LONGEST_KEY: Final = 512  # Characters.
#: Seconds between two looks at a key whose task another caller is sending.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.25


class KeyedResult(AsyncResult[R_co]):
    """The result of a task that was sent with an idempotency key.

    Attributes:
        key: the key.
        first: whether this call has sent the task; False where another one had, and this one has sent nothing.
    """

    def __init__(self, id: str, backend: Backend, *, key: str, first: bool, ignored: bool = False) -> None:
        super().__init__(id, backend, ignored=ignored)
        self.key = key
        self.first = first


class Idempotency:
    """Sends the task of a key once, whoever asks and how often. Safe to share between threads and processes.

    A key is noted with its task's id before the task is sent. A caller that ends in between holds the key up for
    `takeover` seconds: then the next one with it sends the task, with the same id. So a task may be sent twice, though
    never with two ids, where a caller ended, or the broker was lost, while it was being sent.

    Args:
        redis: the url of a Redis server, such as ``redis://localhost:6379/0``, or redis-py's ``Redis``.
        ttl: how long a key is remembered behind the sending, in seconds or as a timedelta; default a day.
        prefix: stands before all keys.
        takeover: how long a caller may take to send before it is taken for dead, in seconds or as a timedelta. It
            should be more than retries and ``timeout`` of a call add up to.

    Raises:
        TypeError, ValueError: an argument is not one of these.
    """

    def __init__(
        self,
        redis: Any,
        ttl: float | timedelta = 86_400,
        prefix: str = "satchel-idempotency-",
        *,
        takeover: float | timedelta = 60,
    ) -> None:
        any_text("prefix", prefix)
        milliseconds = {name: _milliseconds(name, value) for name, value in (("ttl", ttl), ("takeover", takeover))}
        self._keys: Keys = RedisKeys(redis, prefix=prefix, **milliseconds)

    def send(self, signature: Signature[R_co], key: str, **options: Unpack[CallOptions]) -> KeyedResult[R_co]:
        """Send a call, unless one was sent with this key before.

        While another caller is sending it, this one waits for how that ends.

        Args:
            signature: the call, such as ``pay.s(42)``. Where the key was used, its arguments are not looked at.
            key: 1 to 512 characters that are the same for the same wish, such as ``"order-42"``.
            options: further options, which win over the signature's; see `CallOptions`.

        Returns:
            The result of the one task that is sent; `KeyedResult.first` says by whom.

        Raises:
            IdempotencyError: Redis cannot be asked. Nothing was sent.
            OperationalError: the broker has not got the message (`delivered` is False), and the key is free again; or
                nobody knows (None), and the next call with the key sends it once more, with the same task id.
            TypeError, ValueError, EncodeError: the call is wrong, or the key was used for another task. Nothing was
                sent.
        """
        _check_key(key)
        if not isinstance(signature, Signature):
            raise TypeError(f"a signature is needed, such as task.s(1, 2), got {shown(signature)}")
        call, backend = signature.call(**options), signature.app.backend
        token, task_id = new_id(), short_text("task_id", call.options.get("task_id") or new_id())
        pause = _FIRST_PAUSE
        while (held := self._keys.claim(key, token=token, task_id=task_id, task=call.task)).state == "busy":
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        if held.state == "other":
            raise ValueError(f"the key {shown(key)} was used for {held.task!r}: use another one for {call.task!r}")
        if held.state == "sent":
            return KeyedResult(held.task_id, backend, key=key, first=False, ignored=held.ignored)
        ignored = self._send(signature, options, key, token, held)
        return KeyedResult(held.task_id, backend, key=key, first=True, ignored=ignored)

    def _send(self, signature: Signature[Any], options: CallOptions, key: str, token: str, held: Held) -> bool:
        """Send the task of a key that this caller holds; say whether its result is ignored."""
        app = signature.app
        tried = False
        try:
            merged: dict[str, Any] = {**options, "task_id": held.task_id}
            call = signature.call(**merged)
            sender = app.sender
            prepared = sender.prepare(call)
            tried = True
            sender.publish(prepared, call)
        except BaseException as error:
            # Where another caller may have sent it before, it may be there, whatever has become of it now.
            nothing = held.fresh and (not tried or (isinstance(error, OperationalError) and error.delivered is False))
            with suppress(IdempotencyError):  # The key is then free when its time is over.
                if nothing:
                    self._keys.release(key, token=token)
                else:
                    self._keys.unsettle(key, token=token)
            raise
        try:
            self._keys.settle(key, task_id=held.task_id, ignored=prepared.ignored)
        except IdempotencyError as error:
            # An error would make the caller send it again, and it was sent.
            warnings.warn(
                f"{call.task}[{held.task_id}] was sent, but its key {shown(key)} could not be marked so: used again, "
                f"it is sent once more, with the same task id ({error})",
                RuntimeWarning,
                stacklevel=3,
            )
        return prepared.ignored

    def forget(self, key: str) -> bool:
        """Forget a key: the next call with it is sent as a new task, whether the last one has been, or is being sent.

        Returns:
            Whether it was there.

        Raises:
            IdempotencyError: Redis cannot be asked.
        """
        _check_key(key)
        return self._keys.forget(key)

    def close(self) -> None:
        """Close its own connections; a client that was given stays as it is. It goes on working."""
        self._keys.close()


def _check_key(key: object) -> None:
    if not isinstance(key, str):
        raise TypeError(f"an idempotency key is a str, got {shown(key)}")
    if not 1 <= len(key) <= _LONGEST_KEY:
        raise ValueError(f"an idempotency key has 1 to {_LONGEST_KEY} characters, not {len(key)}")
    any_text("key", key)


def _milliseconds(name: str, value: float | timedelta) -> int:
    milliseconds = duration(name, value) // timedelta(milliseconds=1)
    if milliseconds < 1:
        raise ValueError(f"{name} must be a millisecond or more, got {shown(value)}")
    return milliseconds
