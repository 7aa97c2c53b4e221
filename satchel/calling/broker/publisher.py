"""What carries a message instead of a connection of the pool: a lease of one, or kombu's own objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from satchel.calling.broker.link import open_link
from satchel.calling.broker.pool import Lease
from satchel.calling.broker.transports import kombu
from satchel.message.times import shown

if TYPE_CHECKING:
    from types import TracebackType

    from satchel.calling.broker.base import Link


#: Where the link over a connection is kept that an application has made itself. A weak dictionary would keep both for
#: ever: the link knows its connection.
_LINK: Final = "_satchel_link"


class Publisher:
    """Publishes over one connection: ``with task.get_publisher(connection) as publisher``.

    Args:
        connection: a lease of ``app.pool``, or kombu's ``Connection`` or ``Producer``.
        owned: nobody else holds the lease: it is released with the publisher.
    """

    def __init__(self, connection: Any, *, owned: bool = False) -> None:
        link_of(connection)  # What it cannot be is told here.
        self._connection = connection
        self._owned = owned

    @property
    def link(self) -> Link:
        """The connection.

        Raises:
            ValueError: the publisher was closed, or the connection released.
        """
        if self._connection is None:
            raise ValueError("this publisher was closed: make another one")
        return link_of(self._connection)

    def close(self) -> None:
        """Let go of the connection, which stays its owner's."""
        connection, self._connection = self._connection, None
        if self._owned and connection is not None:
            connection.release()

    def __enter__(self) -> Publisher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def link_of(carrier: Any) -> Link:
    """Give the link of a lease, a publisher, or kombu's Connection or Producer.

    Raises:
        TypeError: it is none of these.
    """
    if isinstance(carrier, (Lease, Publisher)):
        return carrier.link
    library = kombu()
    if isinstance(carrier, library.Producer):
        carrier = carrier.connection
    if isinstance(carrier, library.Connection):
        link: Link | None = getattr(carrier, _LINK, None)
        if link is None:
            # On a channel beside its owner's: what this link declares and confirms is its own.
            link = open_link(carrier, owned=False)
            setattr(carrier, _LINK, link)
        return link
    raise TypeError(
        f"a connection of app.pool, a Publisher, or kombu's Connection or Producer is needed, got {shown(carrier)}"
    )
