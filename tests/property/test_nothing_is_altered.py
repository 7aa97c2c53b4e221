"""Any Python object either comes back equal, or is an EncodeError that names the place (G15)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satchel import EncodeError
from satchel.testing import AWKWARD, difference, values
from satchel.testing.comparing import equal
from tests.property.test_round_trip import CODECS, PIPELINES

# By number: some of them have no repr.
awkward = st.integers(0, len(AWKWARD) - 1).map(AWKWARD.__getitem__)
#: Anything that hypothesis makes for the built-in types, and containers of it.
anything = st.recursive(
    st.one_of(awkward, values(1), st.floats(), st.complex_numbers(), st.text(), st.decimals(), st.fractions()),
    lambda children: st.one_of(
        st.lists(children, max_size=3),
        st.tuples(children, children),
        st.dictionaries(st.one_of(st.text(max_size=4), st.integers(), st.binary(max_size=2)), children, max_size=3),
        st.sets(st.one_of(st.integers(), st.text(max_size=3), st.tuples(st.integers(), st.booleans())), max_size=3),
    ),
    max_leaves=6,
)


def follow(value: object, path: tuple[object, ...]) -> object:
    """Give what a path leads to."""
    for part in path:
        value = value[part]  # type: ignore[index]
    return value


def plain(value: object) -> object:
    """Give a value with lists for tuples of any class, and texts for what does not equal itself."""
    if isinstance(value, Decimal) or (isinstance(value, float) and value != value):
        return str(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


@pytest.mark.parametrize("name", CODECS)
@given(value=anything)
def test_a_value_comes_back_equal_or_is_refused(name, value):
    try:
        encoded = PIPELINES[name].encode(value, serializer=CODECS[name].name)
    except EncodeError:
        return

    back = PIPELINES[name].decode(encoded)
    assert (
        difference(value, back, tuples=False) is None
        or difference(value, back) is None
        or equal(plain(value), plain(back))
    )


@pytest.mark.parametrize("name", CODECS)
@given(
    key=st.text(st.characters(codec="utf-8"), max_size=5), bad=st.sampled_from([object(), 1 + 2j, range(3), int, ...])
)
def test_a_refusal_has_the_path_to_what_it_refuses(name, key, bad):
    value = {"a": 1, key + "!": [None, ({"b": [bad]},)]}

    with pytest.raises(EncodeError) as raised:
        PIPELINES[name].encode(value, serializer=CODECS[name].name)

    assert raised.value.path == (key + "!", 1, 0, "b", 0)
    assert follow(value, raised.value.path) is bad
