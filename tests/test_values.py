"""Values: they are what `dataclasses` would make of the same class."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyx_launcher import values
from pyx_launcher.values import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """A value with every kind of field."""

    x: int
    y: int = 0
    tags: dict[str, str] = field(default_factory=dict, hash=False)
    secret: str | None = field(default=None, repr=False)
    note: str = field(default="", compare=False)

    @property
    def sum(self) -> int:
        """Return both together."""
        return self.x + self.y


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Original:
    """The same by `dataclasses`."""

    x: int
    y: int = 0
    tags: dict[str, str] = dataclasses.field(default_factory=dict, hash=False)
    secret: str | None = dataclasses.field(default=None, repr=False)
    note: str = dataclasses.field(default="", compare=False)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Same:
    """A value that equals itself alone."""

    x: int


@dataclass(kw_only=True, slots=True)
class Heap:
    """One that may change is left to `dataclasses`."""

    things: list[int] = field(default_factory=list)


given_fields = st.fixed_dictionaries(
    {"x": st.integers()},
    optional={
        "y": st.integers(),
        "tags": st.dictionaries(st.text(max_size=2), st.text(max_size=2), max_size=2),
        "secret": st.none() | st.text(max_size=3),
        "note": st.text(max_size=1),
    },
)


@given(given_fields, given_fields)
def test_a_value_behaves_as_the_original(one: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    """Fields, equality, hash and what is shown are the same."""
    ours, theirs = [Point(**one), Point(**other)], [Original(**one), Original(**other)]
    for own, original in zip(ours, theirs, strict=True):
        assert dataclasses.asdict(own) == dataclasses.asdict(original)
        assert repr(own) == repr(original).replace("Original", "Point")
        assert hash(own) == hash(original)
    assert (ours[0] == ours[1]) == (theirs[0] == theirs[1])
    assert ours[0] != theirs[0]


def test_a_field_may_have_no_part_in_equality() -> None:
    """Nor has it in the hash then."""
    assert Point(x=1, note="a") == Point(x=1, note="b")
    assert hash(Point(x=1, note="a")) == hash(Point(x=1, note="b"))
    assert Point(x=1, note="a") != Point(x=2, note="a")


def test_a_value_cannot_change() -> None:
    """Neither by assignment nor by deletion, nor does it take other names."""
    point = Point(x=1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'x'"):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'x'"):
        del point.x
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.z = 2  # type: ignore[attr-defined]
    assert not hasattr(point, "__dict__")
    assert point.sum == 1


@pytest.mark.parametrize(
    ("given_names", "said"),
    [({}, "Point needs 'x'"), ({"x": 1, "z": 2}, "Point has no field 'z'")],
    ids=["missing", "unknown"],
)
def test_fields_are_given_by_name(given_names: dict[str, int], said: str) -> None:
    """A field that is missing or unknown is an error that names it; there are no positions."""
    with pytest.raises(TypeError, match=said):
        Point(**given_names)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Point(1)  # type: ignore[call-arg, misc]


def test_a_default_is_made_for_each() -> None:
    """Two values do not share what a factory makes."""
    assert Point(x=1).tags == {}
    assert Point(x=1).tags is not Point(x=1).tags


def test_a_value_is_copied_and_pickled() -> None:
    """It goes to another process and comes back equal."""
    point = Point(x=1, tags={"a": "b"})
    passed = pickle.loads(pickle.dumps(point))  # noqa: S301, it was pickled here
    for again in (passed, copy.copy(point), copy.deepcopy(point)):
        assert again == point
        assert again is not point


def test_another_value_differs_where_it_was_told() -> None:
    """`replace` keeps all other fields, of originals as well."""
    assert replace(Point(x=1, y=2), y=3) == Point(x=1, y=3)
    assert dataclasses.replace(Point(x=1, y=2), x=3) == Point(x=3, y=2)
    assert replace(Original(x=1, y=2), y=3) == Original(x=1, y=3)


def test_tools_of_dataclasses_know_a_value() -> None:
    """Its fields are told as those of the original are."""
    assert dataclasses.is_dataclass(Point)
    ours, theirs = dataclasses.fields(Point), dataclasses.fields(Original)
    tell = [(f.name, f.type, f.default, f.repr, f.hash, f.kw_only) for f in ours]
    assert tell == [(f.name, f.type, f.default, f.repr, f.hash, f.kw_only) for f in theirs]


def test_equality_can_be_left_out() -> None:
    """Then a value is in a set by itself."""
    one = Same(x=1)
    assert one != Same(x=1)
    assert len({one, Same(x=1)}) == 2


def test_what_may_change_is_an_original() -> None:
    """Other options than the usual ones are those of `dataclasses`, fields included."""
    heap = Heap()
    heap.things.append(1)
    heap.things = [*heap.things, 2]
    assert heap == Heap(things=[1, 2])
    assert Heap().things == []


def test_no_class_is_compiled() -> None:
    """All methods are closures over functions of the module, until many have been made."""

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Fresh:
        x: int
        note: str = ""
        tags: dict[str, str] = field(default_factory=dict)

    for name in ("__init__", "__repr__", "__eq__", "__hash__"):
        method = vars(Fresh)[name]
        assert inspect.getsourcefile(method) == values.__file__
    made = [Fresh(x=number) for number in range(200)]
    assert inspect.getsourcefile(vars(Fresh)["__init__"]) is None
    assert [each.x for each in made] == list(range(200))
    assert made[-1] == Fresh(x=199, note="", tags={})
    assert made[0].tags is not made[-1].tags
    with pytest.raises(TypeError, match="Fresh needs 'x'"):
        Fresh()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Fresh has no field 'z'"):
        Fresh(x=1, z=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Fresh(1)  # type: ignore[call-arg, misc]
