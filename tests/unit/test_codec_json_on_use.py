"""Json as it is used: what decodes, and what writes tags, is there with the first that needs it."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

import pytest

from satchel import Buffer, CorruptBody, Json, Limits, MissingDependency

LIMITS = Limits()


def test_loads_is_a_method_of_the_class() -> None:
    assert Json.loads(Json(), b"[1]", limits=LIMITS) == [1]


def test_what_decodes_is_made_once() -> None:
    codec = Json()

    assert codec._loads is None
    first = codec.loads
    assert codec.loads is first


def test_a_subclass_that_decodes_in_its_own_way_is_asked_first() -> None:
    class Own(Json):
        name = "own"

        def loads(self, body: Buffer, /, *, limits: Limits) -> Any:
            return ["own", super().loads(body, limits=limits)]

    assert Own().loads(b"[1]", limits=LIMITS) == ["own", [1]]
    with pytest.raises(CorruptBody) as caught:
        Own().loads(b'{"__type__":"date","__value__":"never"}', limits=LIMITS)
    assert caught.value.codec == "own"


@pytest.mark.parametrize("library", ["orjson", "ormsgpack", "msgspec"])
def test_what_the_fast_engine_lacks_is_told_when_a_subclass_is_made(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Own(Json):
        def loads(self, body: Buffer, /, *, limits: Limits) -> Any:
            raise NotImplementedError

    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingDependency, match=library):
        Own(engine="fast")


@pytest.mark.parametrize("engine", ["stdlib", "auto"])
def test_the_first_value_with_a_tag_is_written_as_all_others(engine: Any) -> None:
    codec, when = Json(engine=engine), datetime(2031, 1, 2)

    assert codec._writer is None
    first = codec.dumps([when])
    assert first == codec.dumps([when]) == Json(engine=engine).dumps([when])
    assert codec.loads(first, limits=LIMITS) == [when]
