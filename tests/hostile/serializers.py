"""The serializers in which a body says where it ends, in every engine, dialect and form (G3, G4)."""

from __future__ import annotations

from typing import Any

from satchel import EncodeError, Json, Msgpack, Pickle, Pipeline, default_registry
from tests.hostile.bodies import pipeline

SERIALIZERS: dict[str, Any] = {
    "json, stdlib": Json(engine="stdlib"),
    "json, fast": Json(engine="fast"),
    "json, stdlib, tuples": Json(engine="stdlib", tuples=True),
    "json, stdlib, celery": Json(engine="stdlib", dialect="celery"),
    "json, fast, celery": Json(engine="fast", dialect="celery"),
    "msgpack, plain": Msgpack(engine="plain"),
    "msgpack, fast": Msgpack(engine="fast"),
    "msgpack, fast, tuples": Msgpack(engine="fast", tuples=True),
    "msgpack, celery": Msgpack(engine="plain", dialect="celery"),
    "pickle 4": Pickle(),
    "pickle 5": Pickle(protocol=5),
    "pickle, celery": Pickle(dialect="celery"),
}


def pipeline_of(name: str) -> Pipeline:
    """Give a pipeline that has one of them."""
    return pipeline(registry=default_registry().with_serializer(SERIALIZERS[name], replace=True))


def carried(name: str, value: Any) -> Any:
    """Give a value, or its repr where the dialect of Celery does not carry it."""
    try:
        pipeline_of(name).encode(value, serializer=SERIALIZERS[name].name)
    except EncodeError:
        return repr(value)
    return value
