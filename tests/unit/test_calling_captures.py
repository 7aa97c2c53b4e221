"""The calls that stock Celery 5.7 was seen to make (../shared/captures): an application sends the same messages."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest

from satchel import Encoded
from satchel.calling import App, NeverRuns
from satchel.calling.broker.link import Parcel
from tests.unit.test_calling_retries import ScriptedLink
from tests.unit.test_message_captures import (
    CAPTURED,
    PIPELINE,
    _call,
    _decoded,
    _encoded,
    _properties,
    _timeless,
    load,
    needs_captures,
    read,
)

pytestmark = needs_captures


def send(name: str, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], Parcel]:
    captured = load(name)
    theirs = read(captured)
    task, args, kwargs, options = _call(name, theirs)
    options |= {"task_id": theirs.id, "reply_to": captured["properties"]["reply_to"]}
    if theirs.protocol == 2:
        options["origin"] = captured["headers"]["origin"]
    link = ScriptedLink()
    monkeypatch.setattr("satchel.calling.app.link_to", lambda _: link)
    app = App("capapp", broker="memory://", pipeline=PIPELINE, task_protocol=theirs.protocol, task_default_queue="cap")
    app.task(name=f"capapp.{task}", typing=False)(lambda *args, **kwargs: None)  # Its code was there, too.
    late = pytest.warns(NeverRuns) if "expires_past" in name else contextlib.nullcontext()
    with late:
        result = app.send_task(f"capapp.{task}", args, kwargs, **options)

    (parcel,) = link.tried
    assert result.id == theirs.id
    return captured, parcel


@pytest.mark.parametrize("name", CAPTURED)
def test_the_same_call_is_the_same_message(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    captured, parcel = send(name, monkeypatch)
    sent = Encoded(parcel.body, parcel.content_type, parcel.content_encoding, parcel.headers.get("compression"))
    priority = {} if parcel.priority is None else {"priority": parcel.priority}

    assert list(parcel.headers) == list(captured["headers"])
    assert _timeless(parcel.headers) == _timeless(captured["headers"])
    assert _timeless(_decoded(sent)) == _timeless(_decoded(_encoded(captured)))
    assert _properties({**parcel.properties, **priority}, captured) == _properties(captured["properties"], captured)


@pytest.mark.parametrize("name", [each for each in CAPTURED if each.startswith("redis_")])
def test_it_goes_where_theirs_went(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    captured, parcel = send(name, monkeypatch)
    envelope = json.loads(base64.b64decode(captured["envelope_b64"]))

    assert (parcel.route.exchange, parcel.route.routing_key) == tuple(
        envelope["properties"]["delivery_info"][field] for field in ("exchange", "routing_key")
    )
