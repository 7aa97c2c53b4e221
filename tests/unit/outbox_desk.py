"""What tests of the outbox share: an application with an outbox in a database of its own."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from satchel.calling import Task
from satchel.calling.outbox import Outbox, Relay
from tests.unit.calling import Shop

Add = Task[[int, int], int]


class Desk:
    """An application with an outbox in a database of its own."""

    def __init__(self, shop: Shop, folder: Path) -> None:
        self.shop = shop
        self.outbox = Outbox(shop.app)
        self.engine = sa.create_engine(f"sqlite:///{folder / 'shop.sqlite'}", connect_args={"timeout": 60})
        self.outbox.create(self.engine)

    def relay(self, **options: Any) -> Relay:
        return Relay(self.outbox, self.engine, **options)

    def write(self, *signatures: Any, **options: Any) -> list[str]:
        """Add calls in a transaction that is committed; give their ids."""
        with Session(self.engine) as session, session.begin():
            return [self.outbox.add(session, each, **options).id for each in signatures]

    def rows(self) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(self.outbox.table.select().order_by(self.outbox.table.c.id)))

    def change(self, **values: Any) -> None:
        """Change all rows, whatever types the columns are of."""
        with self.engine.begin() as connection:
            for name, value in values.items():
                connection.execute(sa.text(f"UPDATE satchel_outbox SET {name} = :value"), {"value": value})


def utc_now() -> datetime:
    return datetime.now(timezone.utc).replace(tzinfo=None)


RELAY: Final = """
import os, signal, sys, time
import kombu.transport.filesystem, sqlalchemy.dialects.mysql  # Once, not in each relay.
import sqlalchemy as sa
from satchel.calling import App
from satchel.calling.broker.link import VirtualLink
from satchel.calling.outbox import Outbox, Relay

def relay(steps):
    def step(*_):
        nonlocal steps
        steps -= 1
        if not steps:
            os.kill(os.getpid(), signal.SIGKILL)

    def put(*args, put=VirtualLink._put):
        step()
        put(*args)
        step()

    VirtualLink._put = put
    options = {"data_folder_in": sys.argv[1], "data_folder_out": sys.argv[1], "control_folder": sys.argv[2]}
    app = App("shop", broker="filesystem://", broker_transport_options=options)
    outbox = Outbox(app)
    watched, engine = (sa.create_engine(sys.argv[3]) for _ in "12")
    for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
        sa.event.listen(watched, name, step)
    relay = Relay(outbox, watched, lease=float(sys.argv[4]))
    while True:
        if not relay.run_once(limit=20):
            with engine.connect() as connection:
                if not connection.scalar(sa.select(sa.func.count()).select_from(outbox.table)):
                    os._exit(0)
            time.sleep(0.02)
"""
"""Python whose ``relay(steps)`` kills its process after so many steps, or ends it when the table is empty.

Its arguments are the folder of kombu's messages, that of its queues, the database's url and the seconds of a lease.
"""
