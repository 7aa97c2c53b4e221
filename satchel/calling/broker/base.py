"""What a connection to the broker is: a protocol, for type checkers and for readers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from satchel.calling.broker.link import Parcel
from satchel.calling.errors import OperationalError


class Link(Protocol):
    """A connection that is made when it is first needed, and anew after a failure.

    Whatever a transport raises is an OperationalError here, and the connection is closed then.
    """

    def publish(self, parcel: Parcel, /) -> None:
        """Publish a message, and wait until the broker has it, where the transport can tell."""

    def publish_many(self, parcels: Mapping[int, Parcel], sent: set[int], /) -> Mapping[int, OperationalError]:
        """Publish many, with as few waits as the transport needs.

        Args:
            parcels: by a number of the caller's.
            sent: takes the numbers of those that the broker has, also when an error is raised.

        Returns:
            What the broker refused, by its number.
        """
        ...

    def stale(self) -> bool:
        """Say whether it is of no more use, as far as can be told without asking the broker."""
        ...

    def next_broker(self) -> None:
        """Turn to the next of several brokers, for the next connection."""

    def close(self) -> None:
        """End the connection."""
