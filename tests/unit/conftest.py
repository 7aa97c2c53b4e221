"""Fixtures of the tests of the calling API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from satchel.calling import Task
    from tests.unit.calling import Shop


@pytest.fixture
def shop() -> Shop:
    """An application on kombu's memory transport."""
    from tests.unit.calling import Shop

    return Shop()


@pytest.fixture
def add(shop: Shop) -> Task[[int, int], int]:
    """The task of the guide, named ``shop.add``."""

    @shop.app.task(name="shop.add")
    def add(x: int, y: int) -> int:
        return x + y

    return add
