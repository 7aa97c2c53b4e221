"""Times in messages: what the builder writes, what the reader understands, and when a call is due."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satchel.message import MessageBuilder, MessageReader, TaskCall
from satchel.message.times import after, in_zone, iso, parse_iso

UTC = timezone.utc
INDIA = timezone(timedelta(hours=5, minutes=30))
BUILDER = MessageBuilder()


class MeanTime(tzinfo):
    """A zone whose offset has seconds, as local mean times have."""

    def utcoffset(self, moment: datetime | None) -> timedelta:
        return timedelta(seconds=1172)

    def tzname(self, moment: datetime | None) -> str:
        return "LMT"

    def dst(self, moment: datetime | None) -> timedelta:
        return timedelta(0)


@pytest.mark.parametrize(
    ("eta", "zone", "written"),
    [
        (datetime(2031, 1, 2, 3, 4, 5), UTC, "2031-01-02T03:04:05+00:00"),
        (datetime(2031, 1, 2, 3, 4, 5), INDIA, "2031-01-02T03:04:05+05:30"),
        (datetime(2031, 1, 2, 3, 4, 5, 60, INDIA), UTC, "2031-01-02T03:04:05.000060+05:30"),
        (datetime(2031, 1, 2, 3, 4, 5, tzinfo=MeanTime()), UTC, "2031-01-02T02:44:33+00:00"),
    ],
)
def test_eta_and_expires_are_written_with_their_offset(eta: datetime, zone: tzinfo, written: str) -> None:
    headers = MessageBuilder(timezone=zone).build("t", eta=eta, expires=eta).headers

    assert headers["eta"] == headers["expires"] == written


def test_a_timezone_of_pytz_is_taken_by_its_own_rules() -> None:
    class Zone(MeanTime):
        def localize(self, moment: datetime) -> datetime:
            return moment.replace(tzinfo=timezone(timedelta(hours=1)))

    headers = MessageBuilder(timezone=Zone()).build("t", eta=datetime(2031, 1, 2)).headers

    assert headers["eta"] == "2031-01-02T00:00:00+01:00"


def test_a_timezone_of_pytz_that_cannot_express_a_time_is_a_value_error_of_the_option() -> None:
    class Zone(MeanTime):
        def localize(self, moment: datetime) -> datetime:
            return moment - timedelta(days=1)

    with pytest.raises(ValueError, match="eta is out of range"):
        MessageBuilder(timezone=Zone()).build("t", eta=datetime.min)


@pytest.mark.parametrize("wait", [3, 0.5, -5, timedelta(days=1)])
def test_waits_count_from_one_and_the_same_now_in_utc(wait: Any) -> None:
    before = datetime.now(UTC)
    headers = MessageBuilder(timezone=INDIA).build("t", countdown=wait, expires=wait).headers
    delta = wait if isinstance(wait, timedelta) else timedelta(seconds=wait)

    assert headers["eta"] == headers["expires"]
    assert before <= parse_iso(headers["eta"]) - delta <= datetime.now(UTC)
    assert headers["eta"].endswith("+00:00")


@given(
    now=st.datetimes(min_value=datetime(1600, 1, 1), max_value=datetime(9000, 1, 1)),
    wait=st.timedeltas(min_value=-timedelta(days=500_000), max_value=timedelta(days=300_000)) | st.just(timedelta(0)),
)
def test_a_wait_is_written_as_the_moment_that_it_ends(now: datetime, wait: timedelta) -> None:
    microseconds = (now - datetime(1970, 1, 1)) // timedelta(microseconds=1)

    assert after("eta", microseconds, wait) == iso((now + wait).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    "wait", [timedelta.max, timedelta.min, timedelta(days=366 * 8100), timedelta(days=-366 * 2000)]
)
def test_a_wait_beyond_all_years_is_told_with_its_option(wait: timedelta) -> None:
    with pytest.raises(ValueError, match=r"^eta is out of range: .* from now is not in the years 1 to 9999$"):
        after("eta", 0, wait)


class Duration(timedelta):
    """As pendulum's: of a negative one, the parts are told otherwise."""

    days = seconds = microseconds = property(lambda self: 1 / 0)
    total_seconds = property(lambda self: 1 / 0)


@pytest.mark.parametrize("seconds", [-3600, -1, 1, 90])
def test_of_a_subclass_of_timedelta_nothing_is_asked(seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("satchel.message.options.time_ns", lambda: 1_900_000_000_123_456_789)
    wait, plain = Duration(seconds=seconds), timedelta(seconds=seconds)
    ours, theirs = (BUILDER.build("t", countdown=w, expires=w, broker_expiration=True) for w in (wait, plain))

    assert [ours.headers[name] for name in ("eta", "expires")] == [theirs.headers[name] for name in ("eta", "expires")]
    assert ours.properties["expiration"] == theirs.properties["expiration"] == max(seconds, 0)


@given(
    now=st.integers(0, 2 * 10**15),
    wait=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=40)),
    zone=st.sampled_from([UTC, INDIA]),
)
def test_the_brokers_expiry_is_exact(now: int, wait: timedelta, zone: tzinfo) -> None:
    end = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=now) + wait).astimezone(zone)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("satchel.message.options.time_ns", lambda: now * 1000)
        moment = BUILDER.build("t", expires=end, broker_expiration=True)
        waited = BUILDER.build("t", expires=wait, broker_expiration=True)

    assert moment.properties["expiration"] == waited.properties["expiration"] == wait.total_seconds()


@pytest.mark.parametrize("wait", [0, 0.0, timedelta(0)])
def test_a_countdown_of_zero_is_none_and_an_expiry_of_zero_is_now(wait: Any) -> None:
    headers = BUILDER.build("t", countdown=wait, expires=wait).headers

    assert headers["eta"] is None
    assert parse_iso(headers["expires"]) <= datetime.now(UTC)


def test_the_brokers_own_expiry_is_set_only_when_asked_for() -> None:
    assert "expiration" not in BUILDER.build("t", expires=60).properties
    assert "expiration" not in BUILDER.build("t", expires=60, broker_expiration=False).properties
    assert "expiration" not in BUILDER.build("t", broker_expiration=True).properties
    assert BUILDER.build("t", expires=60, broker_expiration=True).properties["expiration"] == 60
    assert BUILDER.build("t", expires=datetime(2020, 1, 1), broker_expiration=True).properties["expiration"] == 0


FORMS = {
    "2031-01-02T03:04:05.123456+05:30": datetime(2031, 1, 2, 3, 4, 5, 123456, INDIA),
    "2031-01-02T03:04:05": datetime(2031, 1, 2, 3, 4, 5),
    "2031-01-02 03:04:05Z": datetime(2031, 1, 2, 3, 4, 5, tzinfo=UTC),
    "2031-01-02t03:04:05z": datetime(2031, 1, 2, 3, 4, 5, tzinfo=UTC),
    "2031-01-02T03:04:05.1+0530": datetime(2031, 1, 2, 3, 4, 5, 100_000, INDIA),
    "2031-01-02T03:04:05,12345678-03": datetime(2031, 1, 2, 3, 4, 5, 123456, timezone(timedelta(hours=-3))),
    "2031-01-02T03:04": datetime(2031, 1, 2, 3, 4),
    "2031-01-02T03": datetime(2031, 1, 2, 3),
    "20310102T030405Z": datetime(2031, 1, 2, 3, 4, 5, tzinfo=UTC),
    "2031-01-02": datetime(2031, 1, 2),
    "20310102": datetime(2031, 1, 2),
    "2031-01": datetime(2031, 1, 1),
    "2031": datetime(2031, 1, 1),
    "2031-W01-4": datetime(2031, 1, 2),
    "2031W01": datetime(2030, 12, 30),
    "2031-002": datetime(2031, 1, 2),
    "2031002T03:04": datetime(2031, 1, 2, 3, 4),
    "2031-01-02T24:00": datetime(2031, 1, 3),
}


@pytest.mark.parametrize("text", FORMS)
def test_every_form_that_a_worker_reads_is_read_on_every_python(text: str) -> None:
    assert parse_iso(text) == FORMS[text]
    assert parse_iso(text).utcoffset() == FORMS[text].utcoffset()


@pytest.mark.parametrize("text", FORMS)
def test_a_worker_reads_them_so(text: str) -> None:
    isoparse = pytest.importorskip("dateutil.parser").isoparse

    assert isoparse(text) == FORMS[text]


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "now", "31-01-02", "2031-1-2", "2031-13-01", "2031-02-30", "2031-01-02T25:00", "2031-366"),
        *("2031-01-02T24:01", "2031-01-02T03:04:60", "2031-01-02T03:04:05+24:00", "2031-01-02T03:04:05+00:60"),
        *(
            "2031-W54-1",
            "9999-12-31T24:00",
            "0000-01-01",
            "2031-01T03:04",
            "1924991999",
            "²031-01-02",
            "2031-01-02T03:04:05 ",
        ),
        *("2031-01-02T03:04:05+05:30:10", "2031-000"),
    ],
)
def test_what_is_no_date_and_time_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # The reader says what it was.
        parse_iso(text)


ZONES: Any = st.none() | st.timezones() | st.just(INDIA)


# The first and the last day have no equal in every zone.
@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=ZONES))
def test_what_the_builder_writes_the_reader_reads(eta: datetime) -> None:
    call = read(BUILDER.build("t", eta=eta, expires=eta))

    assert call.eta == call.expires == in_zone(eta, UTC).astimezone(UTC)


def test_times_without_an_offset_are_in_the_readers_timezone() -> None:
    message = BUILDER.build("t")
    headers = {**message.headers, "eta": "2031-01-02T03:04:05", "expires": datetime(2031, 1, 2)}
    call = read(message, MessageReader(timezone=INDIA), headers=headers)

    assert call.eta == datetime(2031, 1, 2, 3, 4, 5, tzinfo=INDIA)
    assert call.expires == datetime(2031, 1, 2, tzinfo=INDIA)


NOW = datetime(2031, 1, 2, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("eta", "expires", "status"),
    [
        (None, None, "due"),
        (NOW, None, "due"),
        (NOW - SECOND, NOW + SECOND, "due"),
        (None, NOW, "due"),
        (NOW + SECOND, None, "not yet"),
        (NOW + SECOND, NOW + 2 * SECOND, "not yet"),
        (None, NOW - SECOND, "expired"),
        (NOW + SECOND, NOW - SECOND, "expired"),
        (datetime.min.replace(tzinfo=INDIA), datetime.max.replace(tzinfo=timezone(-timedelta(hours=5))), "due"),
    ],
)
def test_a_status_is_what_a_worker_would_do(eta: datetime | None, expires: datetime | None, status: str) -> None:
    call = TaskCall("t", "1", [], {}, {}, eta, expires, {}, {}, 2)

    assert call.status(NOW) == call.status(NOW.replace(tzinfo=None)) == call.status(NOW.astimezone(INDIA)) == status


def test_a_status_is_of_the_present_by_default() -> None:
    assert read(BUILDER.build("t", countdown=60)).status() == "not yet"
    assert read(BUILDER.build("t", expires=-60)).status() == "expired"
    assert read(BUILDER.build("t")).status() == "due"


@pytest.mark.parametrize("eta", [None, NOW])
def test_a_status_is_of_a_datetime(eta: datetime | None) -> None:
    call = TaskCall("t", "1", [], {}, {}, eta, None, {}, {}, 2)
    now: Any = "x"
    with pytest.raises(TypeError, match="now must be a datetime, got 'x'"):
        call.status(now)


def read(message: Any, reader: MessageReader | None = None, **changed: Any) -> TaskCall:
    arguments = message.publish_arguments()
    wanted = ("body", "content_type", "content_encoding", "headers")
    return (reader or MessageReader()).read(**{**{name: arguments[name] for name in wanted}, **changed})
