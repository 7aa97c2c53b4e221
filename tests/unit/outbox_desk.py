"""What tests of the outbox share: an application with an outbox in a database of its own."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

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
