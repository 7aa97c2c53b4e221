"""From a message to the broker: connections of the pool, what is done when they fail, and who is told."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from satchel.calling.broker.link import PATIENCE, Parcel
from satchel.calling.broker.pool import Pool
from satchel.calling.calls import Call, Outgoing, Prepared
from satchel.calling.errors import NotConfirmed, OperationalError, PoolTimeout, Refused, Unroutable, tell_clients
from satchel.calling.preparing import Preparer
from satchel.calling.retrying import RetryPolicy
from satchel.errors import EncodeError

if TYPE_CHECKING:
    from satchel.calling.broker.base import Link

_log = logging.getLogger("satchel.calling")


class Sender:
    """Sends calls over the connections of a pool. Safe to share between threads.

    Args:
        preparer: makes the messages.
        pool: connections to the broker.
        after: called with each `Outgoing` behind its publishing, and the error or None. What they raise is logged: the
            call is made by then, or its own error is what the caller is to see.
    """

    def __init__(
        self,
        preparer: Preparer,
        pool: Pool,
        *,
        after: tuple[Callable[[Outgoing, OperationalError | None], None], ...] = (),
    ) -> None:
        self.preparer = preparer
        self._pool = pool
        self._after = after
        settings = preparer.settings
        self._policy = RetryPolicy.of(settings.task_publish_retry_policy) if settings.task_publish_retry else None
        waits = settings.broker_pool_acquire_timeout
        self._patience = PATIENCE if waits is None else waits

    def prepare(self, call: Call) -> Prepared:
        """Check a call and build its message; nothing is sent. Errors of its values say what a client can do."""
        try:
            return self.preparer.prepare(call)
        except EncodeError as error:
            from satchel.calling.refusing import advise

            tell_clients(error)
            advise(error, call.args, call.kwargs)
            raise

    def send(self, call: Call) -> Prepared:
        """Publish a call.

        Returns:
            What was published; the broker has it, where it can tell.

        Raises:
            OperationalError: it has not, or nobody knows.
            TypeError, ValueError: an option is wrong. Nothing was sent.
            EncodeError: an argument cannot be encoded. Nothing was sent.
        """
        prepared = self.prepare(call)
        self.publish(prepared, call)
        return prepared

    def publish(self, prepared: Prepared, call: Call) -> None:
        """Publish what is prepared."""
        _, packet, _, policy, how = prepared
        try:
            if how.carrier is None:
                timeout = self._patience if how.timeout is None else how.timeout
                failure = self._try(packet, timeout)
                if failure is not None:
                    self._again(packet, policy, timeout, failure)
            else:
                from satchel.calling.broker.publisher import link_of  # Most calls go by the pool.

                link_of(how.carrier).publish(packet)
        except OperationalError as error:
            self._tell(prepared, call, error)
            raise
        if self._after:
            self._tell(prepared, call, None)

    def publish_all(self, calls: Sequence[Call], prepared: Sequence[Prepared]) -> Mapping[int, OperationalError]:
        """Publish many, over one connection where none has a way of its own; give the errors by number."""
        if any(_has_its_own_way(each) for each in prepared):
            return self._publish_in_turn(calls, prepared)
        failures = self._publish_many(dict(enumerate(prepared))) if prepared else {}
        for number, (call, each) in enumerate(zip(calls, prepared, strict=True)):
            self._tell(each, call, failures.get(number))
        return failures

    def _publish_in_turn(self, calls: Sequence[Call], prepared: Sequence[Prepared]) -> Mapping[int, OperationalError]:
        failures: dict[int, OperationalError] = {}
        down: OperationalError | None = None
        for number, (call, each) in enumerate(zip(calls, prepared, strict=True)):
            if down is not None:
                what = f"the message {each.id} was not sent, since one before it was not: {down.what}"
                failures[number] = OperationalError(what, cure=down.cure, task_id=each.id, delivered=False)
                self._tell(each, call, failures[number])
                continue
            try:
                self.publish(each, call)
            except OperationalError as error:
                failures[number] = error
                # These say nothing of other messages.
                down = None if isinstance(error, (Unroutable, NotConfirmed, Refused)) else error
        return failures

    def _tell(self, prepared: Prepared, call: Call, error: OperationalError | None) -> None:
        for hook in self._after:
            outgoing = Outgoing(call.task, prepared.id, call.args, call.kwargs, dict(prepared.packet.headers))
            try:
                hook(outgoing, error)
            except Exception:  # noqa: BLE001 - a hook raises what it likes
                _log.exception("the hook %r failed behind the publishing of %s[%s]", hook, call.task, prepared.id)

    def _try(self, packet: Parcel, timeout: float) -> OperationalError | None:
        try:
            link = self._pool.take(timeout)
        except PoolTimeout as error:
            error.task_id = packet.id
            return error
        try:
            link.publish(packet)
        except OperationalError as error:
            link.next_broker()
            return error
        finally:
            self._pool.give_back(link)
        return None

    def _again(self, packet: Parcel, policy: RetryPolicy | None, timeout: float, error: OperationalError) -> None:
        """Publish after a failure, as often and after such waits as the policy says."""
        attempts = 1
        waits = iter(()) if policy is None else policy.waits()
        unsure = False
        while True:
            error.attempts = attempts
            unsure = unsure or error.delivered is None
            if unsure:  # What an earlier attempt sent may have come there.
                error.delivered = None
            wait = next(waits, None) if policy is not None and _may_help(error, packet, policy) else None
            if wait is None:
                raise error
            time.sleep(wait)
            attempts += 1
            failure = self._try(packet, timeout)
            if failure is None:
                return
            error = failure

    def _publish_many(self, prepared: Mapping[int, Prepared]) -> Mapping[int, OperationalError]:
        """Publish many over one connection, and again what was not sent; give the errors by number."""
        waits = iter(()) if self._policy is None else self._policy.waits()
        left = {number: each.packet for number, each in prepared.items()}
        attempts = 0
        unsure: set[int] = set()
        while True:
            attempts += 1
            sent: set[int] = set()
            failure: OperationalError | None = None
            refused: Mapping[int, OperationalError] = {}
            link: Link | None = None
            try:
                link = self._pool.take(self._patience)
                refused = link.publish_many(left, sent)
            except OperationalError as error:
                failure = error
                if link is not None:
                    link.next_broker()
            finally:
                if link is not None:
                    self._pool.give_back(link)
            left = {number: packet for number, packet in left.items() if number not in sent}
            failures = {number: _of(refused.get(number) or failure, left[number], attempts) for number in left}
            unsure.update(number for number, error in failures.items() if error.delivered is None)
            for number in unsure & failures.keys():
                failures[number].delivered = None  # What an earlier attempt sent may have come there.
            may_help = self._policy is not None and any(
                _may_help(error, left[number], self._policy) for number, error in failures.items()
            )
            wait = next(waits, None) if may_help else None
            if not left or wait is None:
                return failures
            time.sleep(wait)


def _has_its_own_way(prepared: Prepared) -> bool:
    how = prepared.publishing
    return any(value is not None for value in (how.carrier, how.retry, how.retry_policy, how.timeout))


def _may_help(error: OperationalError, packet: Parcel, policy: RetryPolicy) -> bool:
    """Say whether another try may end otherwise."""
    if isinstance(error, PoolTimeout) or (isinstance(error, Unroutable) and packet.route.queue is None):
        return False
    return policy.allows(error)


def _of(error: OperationalError | None, packet: Parcel, attempts: int) -> OperationalError:
    """Give the error of one message, where many failed of one cause."""
    if error is None or error.task_id != packet.id:
        shared = error
        error = (type(shared) if shared else OperationalError)(
            shared.what if shared else "it was not sent",
            expected=shared.expected if shared else None,
            cure=shared.cure if shared else None,
            task_id=packet.id,
            delivered=shared.delivered if shared else None,
        )
        error.__cause__ = shared
    error.attempts = attempts
    return error
