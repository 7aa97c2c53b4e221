"""Publishing to Redis by kombu 5.7, many messages in one pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from satchel.calling.broker.link import Parcel, VirtualLink
from satchel.calling.errors import OperationalError, Unroutable


class RedisLink(VirtualLink):
    """A connection to Redis. Its messages go by kombu's batches: these keep one client, a channel makes many."""

    _alone: _Batched

    def publish_many(self, parcels: Mapping[int, Parcel], sent: set[int], /) -> Mapping[int, OperationalError]:
        """See `Link.publish_many`."""
        refused: dict[int, OperationalError] = {}
        put: list[int] = []
        current: Parcel | None = None
        try:
            # It would send by itself at that size.
            batched = _Batched(self._ready_channel(), 2 * len(parcels) + 1)
            try:
                for number, current in parcels.items():
                    self._make_ready(current)
                    try:
                        super()._put(batched, current)
                    except Unroutable as error:
                        refused[number] = error
                    else:
                        put.append(number)
                batched.batch.flush()
            finally:
                batched.batch.close()
        except OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - `_fail` knows which are the transport's
            self._fail(error, current)
        except BaseException:
            self._drop()
            raise
        sent.update(put)
        return refused

    def _put(self, channel: Any, parcel: Parcel) -> None:
        super()._put(self._alone, parcel)

    def _create_channel(self, transport: Any) -> Any:
        channel = super()._create_channel(transport)
        self._alone = _Batched(channel, 1)
        return channel

    def _fail(self, error: Exception, parcel: Parcel | None) -> None:
        super()._fail(_cause(error), parcel)

    def _disconnect(self, made: Any, channel: Any, *, in_order: bool) -> None:
        if channel is not None:
            self._alone.batch.close()
        super()._disconnect(made, channel, in_order=in_order)


class _Batched:
    """A channel whose messages go into a batch, which is sent when it has so many commands."""

    def __init__(self, channel: Any, size: int) -> None:
        self.batch = channel.create_publish_batch(size)
        self.prepare_message = channel.prepare_message
        self.basic_publish = self.batch.publish
        self.typeof = channel.typeof
        self.get_table = channel.get_table


def _cause(error: Exception) -> Exception:
    """Give what the server said, instead of the error of a batch that wraps it."""
    cause = error.__cause__
    return cause if type(error).__name__ == "BatchPublishError" and isinstance(cause, Exception) else error
