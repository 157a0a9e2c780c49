"""The standard library's ``dataclass``, at a tenth of the time to define one.

That one writes and compiles six functions for each frozen class when its module is imported, half a
millisecond a class, of which a search imports 120. Here ``__init__`` is compiled for classes of which there
are more than a few instances, and all else is shared. ``dataclasses.fields``, ``replace``, ``asdict`` and
``is_dataclass`` work as they do there; ``InitVar``, ``order`` and ``field(init=False)`` do not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, FrozenInstanceError, field
from operator import attrgetter
from reprlib import recursive_repr
from typing import Any, TypeVar, dataclass_transform

__all__ = ["dataclass"]

_Class = TypeVar("_Class", bound=type)
_FEW = 8
"""Instances that are filled field by field: to compile takes as long as twenty of them."""


@dataclass_transform(field_specifiers=(field,))
def dataclass(
    *, frozen: bool = False, eq: bool = True, kw_only: bool = False, slots: bool = False
) -> Callable[[_Class], _Class]:
    """Make a class a dataclass. What the class itself defines stays, as in the standard library."""

    def finish(cls: _Class) -> _Class:
        cls.__doc__ = cls.__doc__ or cls.__name__  # else the standard library writes one, from a signature
        bare = dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only, slots=slots)
        made: Any = bare(cls)
        made.__init__ = _compiled_when_called(made, frozen)
        methods: dict[str, Any] = {"__repr__": _repr}
        if eq:
            methods |= _comparisons(made, frozen)
        if frozen:
            methods |= {"__setattr__": _refuse_setting, "__delattr__": _refuse_deleting}
            if slots:
                methods |= {"__getstate__": _state, "__setstate__": _set_state}
        for name, method in methods.items():
            if made.__dict__.get(name) is None:  # one that defines __eq__ has __hash__ = None
                setattr(made, name, method)
        return made  # type: ignore[no-any-return]

    return finish


def _compiled_when_called(cls: Any, frozen: bool) -> Callable[..., None]:
    left = _FEW

    def __init__(self: object, *args: object, **kwargs: object) -> None:  # noqa: N807 - what a traceback shows
        nonlocal left
        left -= 1
        if left < 0 or not _filled(cls, self, args, kwargs):
            cls.__init__ = _init(cls, frozen)
            cls.__init__(self, *args, **kwargs)

    return __init__


def _filled(cls: Any, self: Any, args: tuple[object, ...], kwargs: Mapping[str, object]) -> bool:
    """Do what ``__init__`` does; False, and nothing is done, for arguments that it would refuse."""
    fields = dataclasses.fields(cls)
    values = dict(zip([each.name for each in fields if not each.kw_only], args, strict=False))
    if len(values) < len(args) or not kwargs.keys().isdisjoint(values):
        return False
    values |= kwargs
    missing = [each for each in fields if each.name not in values]
    if len(values) + len(missing) > len(fields):
        return False
    if any(each.default is each.default_factory is MISSING for each in missing):
        return False
    for each in missing:
        values[each.name] = each.default if each.default_factory is MISSING else each.default_factory()
    for name, value in values.items():
        object.__setattr__(self, name, value)
    if hasattr(cls, "__post_init__"):
        self.__post_init__()
    return True


def _init(cls: Any, frozen: bool) -> Callable[..., None]:
    """Write and compile ``__init__``. Frozen instances are filled past their own ``__setattr__``."""
    scope: dict[str, Any] = {"_absent": MISSING, "_set": object.__setattr__}
    positional: list[str] = ["self"]
    named: list[str] = []
    body: list[str] = []
    for each in dataclasses.fields(cls):
        (named if each.kw_only else positional).append(_parameter(each, scope))
        value = each.name
        if each.default_factory is not MISSING:
            scope[f"_make_{each.name}"] = each.default_factory
            value = f"_make_{each.name}() if {each.name} is _absent else {each.name}"
        slot: Any = getattr(cls, each.name, None)
        if not frozen:
            body.append(f"self.{each.name} = {value}")
        elif hasattr(slot, "__set__"):  # less than two thirds of the time of object.__setattr__
            scope[f"_set_{each.name}"] = slot.__set__
            body.append(f"_set_{each.name}(self, {value})")
        else:
            body.append(f"_set(self, {each.name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    parameters = ", ".join([*positional, *(["*", *named] if named else [])])
    exec(f"def __init__({parameters}):\n " + "\n ".join(body or ["pass"]), scope)
    made: Callable[..., None] = scope["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made


def _parameter(each: Field[Any], scope: dict[str, Any]) -> str:
    if each.default_factory is not MISSING:
        return f"{each.name}=_absent"
    if each.default is MISSING:
        return each.name
    scope[f"_default_{each.name}"] = each.default
    return f"{each.name}=_default_{each.name}"


def _comparisons(cls: Any, frozen: bool) -> dict[str, Any]:
    names = [each.name for each in dataclasses.fields(cls) if each.compare]
    # Of one name attrgetter would return no tuple, and of none nothing: then all instances are equal.
    values = attrgetter(*names, names[0]) if names else type

    def __eq__(self: object, other: object) -> bool:  # noqa: N807
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    def __hash__(self: object) -> int:  # noqa: N807
        return hash(values(self))

    return {"__eq__": __eq__, "__hash__": __hash__ if frozen else None}


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (f"{each.name}={getattr(self, each.name)!r}" for each in dataclasses.fields(self) if each.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse_setting(self: object, name: str, value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deleting(self: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, each.name) for each in dataclasses.fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for each, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)
