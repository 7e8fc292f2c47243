"""Frozen dataclasses, made at a tenth of the cost.

`dataclasses` writes the methods of each class as source and compiles them: four million
instructions for five fields, which with the launcher's fifty classes is a quarter of a slow start.
What is here means the same as ``@dataclass(frozen=True, kw_only=True, slots=True)``, with methods
that all classes share; only an `__init__` that is called often is compiled. Type checkers see the
original; `dataclasses.fields` and `asdict` work.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from dataclasses import dataclass, field, replace
else:

    def dataclass(*, eq=True, **options):
        """Return the decorator; with options other than those above it is the original one."""
        if options == {"frozen": True, "kw_only": True, "slots": True}:
            return lambda cls: _make(cls, eq=eq)
        import dataclasses

        return lambda cls: dataclasses.dataclass(eq=eq, **options)(_restore_fields(cls))

    def field(**options):
        """Describe a field: `default`, `default_factory`, `repr`, `hash`, `compare` as there."""
        return _Field(options)

    def replace(value, **changes):
        """Return `value` with other fields."""
        names = getattr(value, _NAMES, None)
        if names is None:
            import dataclasses

            return dataclasses.replace(value, **changes)
        return type(value)(**{**{name: getattr(value, name) for name in names}, **changes})


def as_dict(value: object) -> dict[str, Any]:
    """Return the fields of a value by name; values in them stay as they are."""
    return {name: getattr(value, name) for name in getattr(value, _NAMES)}


__all__ = ["as_dict", "dataclass", "field", "replace"]

_NAMES = "__field_names__"
_ABSENT = object()

_FEW = 100
"""Instances of one class, for which the shared `__init__` takes less than to compile one."""


class _Field:
    """What `field` was told."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options
        self.default = options.get("default", _ABSENT)
        self.make: Callable[[], Any] | None = options.get("default_factory")

    def restore(self) -> Any:
        """Return the same as `dataclasses` has it."""
        import dataclasses

        return dataclasses.field(**self.options)


class _Fields:
    """Makes the table that `dataclasses` keeps in its classes, once somebody asks for it."""

    def __init__(self, fields: Mapping[str, _Field], annotations: Mapping[str, Any]) -> None:
        self.fields = fields
        self.annotations = annotations

    def __get__(self, instance: object, owner: type) -> Any:
        import dataclasses

        described = [
            (name, self.annotations[name], each.restore()) for name, each in self.fields.items()
        ]
        made: Any = dataclasses.make_dataclass(owner.__name__, described, kw_only=True)
        owner.__dataclass_fields__ = made.__dataclass_fields__  # type: ignore[attr-defined]
        return made.__dataclass_fields__


def _make(cls: type, *, eq: bool) -> type:
    """Return a class like `cls` with slots for its annotations, and the methods of a value."""
    annotations = cls.__annotations__
    space = dict(vars(cls))
    fields: dict[str, _Field] = {}
    for name in annotations:
        default = space.pop(name, _ABSENT)
        if not isinstance(default, _Field):
            default = _Field({} if default is _ABSENT else {"default": default})
        fields[name] = default
    for name in ("__dict__", "__weakref__"):
        space.pop(name, None)
    space |= {"__slots__": tuple(fields), _NAMES: tuple(fields), "__match_args__": ()}
    space["__dataclass_fields__"] = _Fields(fields, annotations)
    shown = [name for name, each in fields.items() if each.options.get("repr", True)]
    space.setdefault("__repr__", _show(shown))
    if eq:
        compared = [name for name, each in fields.items() if each.options.get("compare", True)]
        space["__eq__"] = _compare(compared)
        hashed = [name for name in compared if fields[name].options.get("hash") is not False]
        # A class that defines __eq__ alone has None for this one.
        if space.get("__hash__") is None:
            space["__hash__"] = _hash(hashed)
    space |= {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
    space |= {"__getstate__": _get_state, "__setstate__": _set_state}
    made = type(cls)(cls.__name__, cls.__bases__, space)
    made.__init__ = _initialize(made, fields)  # type: ignore[misc]
    return made


def _restore_fields(cls: type) -> type:
    for name, value in list(vars(cls).items()):
        if isinstance(value, _Field):
            setattr(cls, name, value.restore())
    return cls


def _initialize(cls: type, fields: Mapping[str, _Field]) -> Callable[..., None]:
    plan = [
        (name, vars(cls)[name].__set__, each.default, each.make) for name, each in fields.items()
    ]
    left = _FEW

    def __init__(self: object, /, **given: Any) -> None:  # noqa: N807
        nonlocal left
        left -= 1
        if not left:
            cls.__init__ = _compile(cls, plan)  # type: ignore[misc]
        for name, put, default, make in plan:
            value = given.pop(name, default)
            if value is _ABSENT:
                value = make() if make else _lack(cls.__qualname__, name)
            put(self, value)
        if given:
            _refuse_more(cls.__qualname__, given)

    return __init__


def _compile(cls: type, plan: Sequence[tuple[str, Any, Any, Any]]) -> Callable[..., None]:
    """Return the same as `_initialize` by compilation, for a class of which many are made."""
    space: dict[str, Any] = {"_absent": _ABSENT, "_lack": _lack, "_refuse_more": _refuse_more}
    arguments, lines = [], [f" if _more: _refuse_more({cls.__qualname__!r}, _more)"]
    for at, (name, put, default, make) in enumerate(plan):
        space |= {f"_put{at}": put, f"_default{at}": default, f"_make{at}": make}
        arguments.append(f"{name}=_default{at}")
        if default is _ABSENT:
            missing = f"_make{at}()" if make else f"_lack({cls.__qualname__!r}, {name!r})"
            lines.append(f" if {name} is _absent: {name} = {missing}")
        lines.append(f" _put{at}(_self, {name})")
    text = f"def __init__(_self, /, *, {', '.join(arguments)}, **_more):\n" + "\n".join(lines)
    exec(text, space)  # noqa: S102 - of names in the source, as `dataclasses` does it
    made: Callable[..., None] = space["__init__"]
    return made


def _lack(owner: str, name: str) -> NoReturn:
    raise TypeError(f"{owner} needs {name!r}")


def _refuse_more(owner: str, given: Mapping[str, Any]) -> NoReturn:
    raise TypeError(f"{owner} has no field {next(iter(given))!r}")


def _show(names: list[str]) -> Callable[[object], str]:
    def __repr__(self: object) -> str:  # noqa: N807
        text = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__qualname__}({text})"

    return __repr__


def _read(names: list[str]) -> Callable[[object], object]:
    return attrgetter(*names) if names else lambda _: None


def _compare(names: list[str]) -> Callable[[object, object], bool]:
    read = _read(names)

    def __eq__(self: object, other: object) -> bool:  # noqa: N807
        if other.__class__ is not self.__class__:
            return NotImplemented
        return read(self) == read(other)

    return __eq__


def _hash(names: list[str]) -> Callable[[object], int]:
    read = _read(names)

    def __hash__(self: object) -> int:  # noqa: N807
        return hash(read(self))

    return __hash__


def _refuse_to_set(self: object, name: str, value: object) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: object, name: str) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _get_state(self: object) -> list[Any]:
    return [getattr(self, name) for name in getattr(self, _NAMES)]


def _set_state(self: object, state: list[Any]) -> None:
    for name, value in zip(getattr(self, _NAMES), state, strict=True):
        object.__setattr__(self, name, value)
