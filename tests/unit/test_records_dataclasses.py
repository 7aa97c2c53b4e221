"""Frozen dataclasses that share their methods: in all that shows, what `dataclasses` makes."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import KW_ONLY, FrozenInstanceError, field
from typing import Any, ClassVar

import pytest

import satchel
from satchel import records


class _Fields:
    first: int
    second: str = "two"
    rest: list[Any] = field(default_factory=list)
    _: KW_ONLY
    third: float = 3.0
    unseen: int = field(default=4, repr=False)
    unlike: int = field(default=5, compare=False)
    unhashed: int = field(default=6, hash=False)
    worked_out: int = field(init=False, repr=False, compare=False)
    constant: ClassVar[int] = 7

    def __post_init__(self) -> None:
        object.__setattr__(self, "worked_out", 8)


def made(name: str, make: Callable[[type], type]) -> Any:
    """Make a class of the fields above, in this module, where pickle finds it."""
    space = {**_Fields.__dict__, "__doc__": "Some fields.", "__qualname__": name}
    for each in ("__dict__", "__weakref__"):
        del space[each]
    return make(type(name, (), space))


Ours: Any = made("Ours", records.dataclass(frozen=True))
Theirs: Any = made("Theirs", dataclasses.dataclass(frozen=True))
SIDES = pytest.mark.parametrize("cls", [Ours, Theirs], ids=["ours", "theirs"])
MAKERS = pytest.mark.parametrize("make", [records.dataclass, dataclasses.dataclass], ids=["ours", "theirs"])
CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((1,), {}),
    ((1, "x"), {"third": 2}),
    ((), {"first": 1, "rest": [2]}),
    ((1, "x", []), {"unseen": 1, "unlike": 2, "unhashed": 3}),
]


@pytest.mark.parametrize(("args", "kwargs"), CALLS)
def test_instances_are_made_shown_and_compared_alike(args: Any, kwargs: Any) -> None:
    ours, theirs = Ours(*args, **kwargs), Theirs(*args, **kwargs)

    assert vars(ours) == vars(theirs)
    assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
    assert ours == Ours(*args, **kwargs)
    assert ours != theirs
    assert ours != Ours(9)
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)


@SIDES
def test_what_is_compared_and_hashed_is_what_the_fields_say(cls: Any) -> None:
    assert cls(1, "x", ()) == cls(1, "x", (), unlike=0)
    assert cls(1, "x", ()) != cls(1, "x", (), unhashed=0)
    assert hash(cls(1, "x", ())) == hash(cls(1, "x", (), unhashed=0, unlike=0)) != hash(cls(2, "x", ()))
    with pytest.raises(TypeError, match="unhashable"):
        hash(cls(1))


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, "missing a required argument: 'first'"),
        ((), {"second": 1}, "missing a required argument: 'first'"),
        ((1, 2, 3, 4), {}, "too many positional arguments"),
        ((1,), {"first": 1}, "multiple values for argument 'first'"),
        ((1,), {"forth": 1}, "got an unexpected keyword argument 'forth'"),
        ((1,), {"worked_out": 1}, "got an unexpected keyword argument 'worked_out'"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(args: Any, kwargs: Any, message: str) -> None:
    with pytest.raises(TypeError, match=f"^Ours\\(\\) {message}"):
        Ours(*args, **kwargs)
    with pytest.raises(TypeError):
        Theirs(*args, **kwargs)


@SIDES
@pytest.mark.parametrize("name", ["first", "worked_out", "constant", "other"])
def test_nothing_can_be_set_or_deleted(cls: Any, name: str) -> None:
    instance = cls(1)

    with pytest.raises(FrozenInstanceError, match=f"cannot assign to field '{name}'"):
        setattr(instance, name, 1)
    with pytest.raises(FrozenInstanceError, match=f"cannot delete field '{name}'"):
        delattr(instance, name)


@SIDES
def test_a_subclass_that_is_no_dataclass_has_attributes_of_its_own(cls: Any) -> None:
    class Sub(cls):  # type: ignore[misc]
        pass

    instance = Sub(1)
    instance.own = 2
    del instance.own
    with pytest.raises(FrozenInstanceError):
        instance.first = 2


@MAKERS
@SIDES
def test_a_frozen_dataclass_derives_from_one(cls: Any, make: Any) -> None:
    @make(frozen=True)
    class Sub(cls):  # type: ignore[misc]
        forth: int = 4

    instance = Sub(1, forth=5)
    assert (instance.first, instance.third, instance.forth, instance.worked_out) == (1, 3.0, 5, 8)
    assert instance == dataclasses.replace(instance, second="two") != Sub(1)
    assert [each.name for each in dataclasses.fields(Sub)][-1] == "forth"
    with pytest.raises(FrozenInstanceError):
        instance.forth = 6


def test_a_dataclass_that_can_be_changed_does_not_derive_from_one() -> None:
    with pytest.raises(TypeError, match="cannot inherit non-frozen dataclass from a frozen one"):

        @dataclasses.dataclass
        class Sub(Ours):  # type: ignore[misc]
            pass


@SIDES
def test_copies_are_equal(cls: Any) -> None:
    instance = cls(1, rest=(), third=2)

    for twin in (copy.copy(instance), copy.deepcopy(instance), dataclasses.replace(instance)):
        assert twin == instance
        assert vars(twin) == vars(instance)
    assert pickle.loads(pickle.dumps(instance)) == instance
    assert dataclasses.replace(instance, first=2) == cls(2, rest=(), third=2)
    with pytest.raises((TypeError, ValueError), match="worked_out"):
        dataclasses.replace(instance, worked_out=1)


def test_what_tools_ask_for_is_the_same() -> None:
    def told(cls: Any) -> list[Any]:
        signature = inspect.signature(cls)
        listed = [(each.name, each.kind, repr(each.default)) for each in signature.parameters.values()]
        return [listed, signature.return_annotation, cls.__match_args__, repr(dataclasses.fields(cls))]

    assert told(Ours) == told(Theirs)
    assert inspect.signature(Ours).parameters["rest"].annotation == list[Any]
    with pytest.raises(AttributeError):
        _ = Ours(1).__signature__

    class Sub(Ours):  # type: ignore[misc]
        def __init__(self, only: int) -> None:
            super().__init__(only)

    assert str(inspect.signature(Sub)) == "(only: 'int') -> 'None'"
    match Ours(1, "x"):
        case Ours(first, second, rest):
            assert (first, second, rest) == (1, "x", [])
        case _:
            pytest.fail("it did not match")


@pytest.mark.parametrize("name", ["Json", "Limits", "Pickle", "Zstd", "Dictionary"])
def test_those_of_satchel_tell_their_fields(name: str) -> None:
    cls = getattr(satchel, name)

    assert list(inspect.signature(cls).parameters) == [each.name for each in dataclasses.fields(cls) if each.init]
    with pytest.raises(TypeError, match=f"^{name}\\(\\) got an unexpected keyword argument 'levl'"):
        cls(levl=3) if name != "Dictionary" else cls(b"", levl=3)


def test_arguments_that_a_subclass_passes_on_are_refused_by_the_class_they_are_for() -> None:
    class Sub(Ours):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)

    with pytest.raises(TypeError, match=r"^Ours\(\) got an unexpected keyword argument 'forth'"):
        Sub(1, forth=2)


def test_a_subclass_may_have_an_attribute_with_the_name_of_a_constant() -> None:
    class Sub(Ours):  # type: ignore[misc]
        pass

    instance = Sub(1)
    instance.constant = 2
    assert (instance.constant, Ours.constant) == (2, 7)


def test_one_without_a_text_has_none_and_one_that_is_worked_out_by_a_function_has_it() -> None:
    @records.dataclass(frozen=True)
    class Own:  # noqa: PLW1641 - it gets one
        made: list[int] = field(init=False, default_factory=list)

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own)

    assert Own.__doc__ is None
    assert Own().made == []
    with pytest.raises(TypeError, match="unhashable type: 'list'"):
        hash(Own())


def test_comparing_showing_and_keywords_can_be_chosen() -> None:
    @records.dataclass(frozen=True, eq=False, repr=False, kw_only=True)
    class Plain:
        first: int = 1

    assert Plain() != Plain()
    assert len({Plain(), Plain()}) == 2
    assert repr(Plain()).startswith("<")
    assert Plain(first=2).first == 2
    with pytest.raises(TypeError, match="too many positional arguments"):
        Plain(2)  # type: ignore[call-arg]


def test_all_of_a_class_without_fields_are_equal() -> None:
    @records.dataclass(frozen=True)
    class Empty:
        pass

    assert Empty() == Empty()
    assert len({Empty(), Empty()}) == 1
    assert repr(Empty()).endswith("Empty()")


@MAKERS
def test_one_field_alone_is_compared(make: Any) -> None:
    class One:
        only: tuple[int, ...] = ()

    kind: Any = make(frozen=True)(One)
    assert kind((1,)) == kind((1,)) != kind()
    assert hash(kind((1,))) == hash(kind((1,))) != hash(kind())


@MAKERS
def test_what_is_matched_may_be_something_else_than_what_is_given(make: Any) -> None:
    class Two:
        __match_args__ = ("second",)
        first: int = 1
        second: int = 2

    kind: Any = make(frozen=True)(Two)
    match kind(3, 4):
        case kind(4):
            pass
        case _:
            pytest.fail("it did not match")
    assert (kind(3, 4).first, kind(3, 4).second) == (3, 4)


def test_methods_of_its_own_stay() -> None:
    @records.dataclass(frozen=True)
    class Own:
        first: int = 1

        def __repr__(self) -> str:
            return "own"

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 3

    assert (repr(Own()), Own() == 5, hash(Own())) == ("own", True, 3)


def test_replace_is_that_of_dataclasses_and_asks_it_only_about_what_is_not_its_own() -> None:
    instance = Ours(1, rest=(), third=2)

    assert records.replace(instance, first=2, third=3) == Ours(2, rest=(), third=3)
    assert records.replace(instance) == instance
    with pytest.raises((TypeError, ValueError), match="worked_out"):
        records.replace(instance, worked_out=1)
    with pytest.raises(TypeError, match=r"^Ours\(\) got an unexpected keyword argument 'forth'"):
        records.replace(instance, forth=1)

    @dataclasses.dataclass(frozen=True)
    class Sub(Ours):  # type: ignore[misc]
        forth: int = 4

    derived: Any = Sub(1, rest=(), forth=5)
    assert records.replace(derived, first=2) == Sub(2, rest=(), forth=5)


def test_what_dataclasses_tells_is_worked_out_when_it_is_asked() -> None:
    @records.dataclass(frozen=True)
    class First:
        one: int = 1

    @records.dataclass(frozen=True)
    class Second(First):
        two: list[int] = field(default_factory=list)

    assert Second(3) == Second(3, [])
    assert repr(Second(3)).endswith("Second(one=3, two=[])")
    assert not any(isinstance(cls.__dict__["__dataclass_fields__"], dict) for cls in (First, Second))
    assert [each.name for each in dataclasses.fields(Second)] == ["one", "two"]
    assert [each.name for each in dataclasses.fields(First)] == ["one"]
    assert dataclasses.is_dataclass(Second(3))
    assert all(isinstance(cls.__dict__["__dataclass_fields__"], dict) for cls in (First, Second))


def test_a_frozen_dataclass_of_the_standard_library_is_derived_from() -> None:
    @dataclasses.dataclass(frozen=True)
    class First:
        one: int
        constant: ClassVar[int] = 7

    @records.dataclass(frozen=True)
    class Second(First):
        two: int = 2

    assert Second(1) == Second(one=1, two=2) != Second(1, 3)
    assert [each.name for each in dataclasses.fields(Second)] == ["one", "two"]
    assert Second.__match_args__ == ("one", "two")


def derived(base: type, annotations: dict[str, str], **values: Any) -> type:
    return type("Second", (base,), {"__module__": __name__, "__annotations__": annotations, **values})


@MAKERS
def test_a_field_that_is_said_again_keeps_its_default(make: Any) -> None:
    @make(frozen=True)
    class First:
        one: int = 1
        two: int = 2

    second: Any = make(frozen=True)(derived(First, {"two": "Any", "three": "int"}, three=3))
    assert repr(second(5)).endswith("Second(one=5, two=2, three=3)")
    assert [each.name for each in dataclasses.fields(second)] == ["one", "two", "three"]


@MAKERS
def test_a_class_variable_takes_an_inherited_field_away(make: Any) -> None:
    @make(frozen=True)
    class First:
        one: int = 1
        two: int = 2

    second: Any = make(frozen=True)(derived(First, {"two": "ClassVar[int]"}, two=7))
    assert repr(second(5)).endswith("Second(one=5)")
    assert [each.name for each in dataclasses.fields(second)] == ["one"]
    with pytest.raises(TypeError):
        second(5, 6)
    third: Any = make(frozen=True)(derived(second, {"three": "int"}, three=3))
    assert repr(third(5)).endswith("Second(one=5, three=3)")
    fourth: Any = records.dataclass(frozen=True)(derived(third, {}))
    assert repr(fourth(5)).endswith("Second(one=5, three=3)")


@MAKERS
def test_one_does_not_derive_from_one_that_can_be_changed(make: Any) -> None:
    @dataclasses.dataclass
    class First:
        one: int = 1

    with pytest.raises(TypeError, match="cannot inherit frozen dataclass from a non-frozen one"):
        make(frozen=True)(derived(First, {}))


def test_a_tool_that_looks_into_the_dict_of_a_class_finds_the_fields() -> None:
    @records.dataclass(frozen=True)
    class One:
        one: int = 1
        constant: ClassVar[int] = 2

    there: Any = vars(One)["__dataclass_fields__"]
    assert [(name, each.name, each.type) for name, each in there.items() if name == "one"] == [("one", "one", "int")]
    assert "one" in there
    assert len(there) == len([*there]) == 2
    assert there["one"].default == 1
    assert vars(One)["__dataclass_params__"].frozen is True


def test_a_copy_of_what_tells_the_fields_tells_them_too() -> None:
    @records.dataclass(frozen=True)
    class One:
        one: int = 1

    assert [*copy.copy(vars(One)["__dataclass_fields__"])] == ["one"]


@MAKERS
def test_a_slot_is_no_default(make: Any) -> None:
    @dataclasses.dataclass(frozen=True, slots=True)
    class First:
        one: int

    second: Any = make(frozen=True)(derived(First, {"one": "int"}))
    with pytest.raises(TypeError, match="one"):
        second()
