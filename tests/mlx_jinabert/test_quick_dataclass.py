"""Classes of ``quick_dataclass`` behave as those of the standard library, whichever instance comes first."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field
from functools import cached_property
from typing import Any, ClassVar

import pytest

from mlx_jinabert import quick_dataclass
from mlx_jinabert.quick_dataclass import dataclass


@pytest.fixture(autouse=True, params=[0, 1, 8])
def _few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instances are made by a compiled ``__init__``, by one after the first, or all without."""
    monkeypatch.setattr(quick_dataclass, "_FEW", request.param)


Define = Callable[..., Callable[[type], type]]


def _point(define: Define, **how: bool) -> Any:
    class Point:
        """A place."""

        kind: ClassVar[str] = "point"
        x: int
        y: float = 0.5
        tags: list[str] = field(default_factory=list)
        secret: str = field(default="", repr=False)
        note: str = field(default="", compare=False)

        @property
        def twice(self) -> int:
            return 2 * self.x

    return define(**how)(Point)


HOW = [{}, {"slots": True}, {"frozen": True}, {"frozen": True, "slots": True}]
pair = pytest.mark.parametrize("how", HOW, ids=str)


@pair
def test_instances_are_filled_as_the_standard_library_does(how: dict[str, bool]) -> None:
    ours, theirs = _point(dataclass, **how), _point(dataclasses.dataclass, **how)
    for args, named in [((1,), {}), ((1, 2.0, ["a"]), {"note": "n"}), ((), {"x": 3, "secret": "s"})]:
        mine, other = ours(*args, **named), theirs(*args, **named)
        assert dataclasses.asdict(mine) == dataclasses.asdict(other)
        assert repr(mine) == repr(other)
        assert mine.twice == other.twice
        assert hasattr(mine, "__dict__") == hasattr(other, "__dict__")
    assert ours(1).tags is not ours(1).tags


@pair
@pytest.mark.parametrize("args", [(), (1, 2, [], "", "", 6)])
def test_wrong_arguments_are_refused(how: dict[str, bool], args: tuple[object, ...]) -> None:
    point = _point(dataclass, **how)
    with pytest.raises(TypeError):
        point(*args)
    with pytest.raises(TypeError):
        point(1, z=2)


@pair
def test_equal_fields_make_equal_instances(how: dict[str, bool]) -> None:
    point, another = _point(dataclass, **how), _point(dataclass, **how)
    assert point(1, note="a") == point(1, note="b")
    assert point(1) != point(2)
    assert point(1) != another(1)
    assert point(1) != (1, 0.5, [], "")


def test_frozen_instances_hash_as_they_compare_and_others_do_not_hash() -> None:
    @dataclass(frozen=True, slots=True)
    class Key:
        a: int
        b: str = field(default="", compare=False)

    assert {Key(1, "x"): 7}[Key(1, "y")] == 7
    with pytest.raises(TypeError, match="unhashable"):
        hash(_point(dataclass)(1))


def test_one_field_or_none_compares_as_a_tuple_does() -> None:
    @dataclass(frozen=True, slots=True)
    class One:
        value: float

    @dataclass(frozen=True, slots=True)
    class Nothing:
        pass

    nan = float("nan")
    assert One(nan) == One(nan)
    assert Nothing() == Nothing()
    assert hash(Nothing()) == hash(Nothing())


def test_what_the_class_defines_stays() -> None:
    @dataclass(frozen=True)
    class Own:
        a: int

        def __repr__(self) -> str:
            return "own"

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 5

    assert repr(Own(1)) == "own"
    assert Own(1) == Own(2)
    assert hash(Own(1)) == 5


def test_without_eq_instances_are_themselves() -> None:
    @dataclass(eq=False, slots=True)
    class Handle:
        name: str

    handle = Handle("a")
    assert handle == handle
    assert handle != Handle("a")
    assert {handle}


@pytest.mark.parametrize("slots", [True, False])
def test_frozen_instances_refuse_changes(slots: bool) -> None:
    point = _point(dataclass, frozen=True, slots=slots)(1)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        point.x = 2
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'x'"):
        del point.x
    assert point.x == 1


@pair
def test_copies_are_equal(how: dict[str, bool]) -> None:
    point = _point(dataclass, **how)(1, 2.0, ["a"], "s", "n")
    for made in (copy.copy(point), copy.deepcopy(point), dataclasses.replace(point)):
        assert made == point
        assert dataclasses.asdict(made) == dataclasses.asdict(point)
    assert dataclasses.replace(point, x=9).x == 9
    assert copy.deepcopy(point).tags is not point.tags


def test_fields_that_are_only_named_may_follow_defaults() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Settings:
        depth: int = 3
        name: str

    assert Settings(name="a") == Settings(depth=3, name="a")
    with pytest.raises(TypeError, match="positional"):
        Settings("a")  # type: ignore[misc]


def test_a_frozen_instance_finishes_itself() -> None:
    @dataclass(frozen=True)
    class Query:
        text: str

        def __post_init__(self) -> None:
            object.__setattr__(self, "text", self.text.strip())

        @cached_property
        def words(self) -> list[str]:
            return self.text.split()

    query = Query(" a b ")
    assert query.words is query.words
    assert (query.text, query.words) == ("a b", ["a", "b"])


def test_subclasses_add_fields() -> None:
    @dataclass(frozen=True, slots=True)
    class Base:
        a: int
        b: int = 2

    @dataclass(frozen=True, slots=True)
    class More(Base):
        c: int = 3

    class Plain(Base):
        pass

    assert dataclasses.astuple(More(1)) == (1, 2, 3)
    assert dataclasses.astuple(Plain(5)) == (5, 2)
    assert dataclasses.astuple(Base(1, 4)) == (1, 4)
    assert Base(1) != More(1)
    with pytest.raises(FrozenInstanceError):
        Plain(5).a = 1  # type: ignore[misc]


def test_an_instance_that_holds_itself_is_shown() -> None:
    @dataclass(slots=True)
    class Node:
        parts: list[object] = field(default_factory=list)

    node = Node()
    node.parts.append(node)
    assert repr(node).endswith(".Node(parts=[...])")


def test_a_call_that_fails_names_the_class() -> None:
    @dataclass(frozen=True, slots=True)
    class Named:
        a: int

    with pytest.raises(TypeError, match=r"Named\.__init__\(\) missing 1 required positional argument: 'a'"):
        Named()  # type: ignore[call-arg]
