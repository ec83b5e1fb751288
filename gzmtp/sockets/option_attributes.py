"""Options as attributes: ``socket.linger = 0``, ``context.io_threads``.

Owns the rule which attribute is an option, as pyzmq has it: an attribute that the instance has or
that its class defines (or annotates) is a plain one; anything else must be the name of an option,
in whatever case. It is independent of what options do.
"""

from __future__ import annotations

import errno
import sys
from typing import Any, TypeVar

from gzmtp import constants
from gzmtp.constants import ContextOption, MessageOption, SocketOption
from gzmtp.error import ZMQError
from gzmtp.extensions import ExtensionOption

__all__ = ["AttributeSetter"]

T = TypeVar("T")
OptValT = str | bytes | int

_set_plain = object.__setattr__


class _OptionProperty:
    """An option to be read as an attribute.  What an instance has of this name comes first, as it
    would with ``__getattr__``."""

    __slots__ = ("_key", "_option")

    def __init__(self, key: str, option: int) -> None:
        self._key = key
        self._option = option

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        if self._key in instance.__dict__:
            return instance.__dict__[self._key]
        return instance._read_option(self._key, self._option)

    def __set__(self, instance: Any, value: Any) -> None:
        """Reached by `object.__setattr__` alone, for a name that a class has annotated."""
        instance.__dict__[self._key] = value

    def __delete__(self, instance: Any) -> None:
        if self._key not in instance.__dict__:
            raise AttributeError(self._key)
        del instance.__dict__[self._key]


def _defined(kind: type) -> list[str]:
    """The names that a class defines itself."""
    return [name for name, value in vars(kind).items() if type(value) is not _OptionProperty]


def _annotated(kind: type) -> tuple[str, ...]:
    """The names that a class annotates."""
    if kind is object:
        return ()
    try:
        return tuple(getattr(kind, "__annotations__", ()))
    except Exception:
        # From Python 3.14 on annotations are evaluated by who asks for them, and may have names
        # that are there for type checkers alone (PEP 649).
        if sys.version_info >= (3, 14):
            from annotationlib import Format, get_annotations

            return tuple(get_annotations(kind, format=Format.STRING))
        raise


class OptionAttributes:
    """Mixin for what has ``get(option)`` and ``set(option, value)``: attributes that are assigned
    to.  Reading is left to `give_properties`, or to `AttributeSetter`."""

    # Names that assignment need not look up again. A class has its own, made at its first use;
    # an instance's attributes that the class does not know are never in it.
    _plain_names: frozenset[str] = frozenset()
    # Names that are an option's when they are assigned to, and a method's when they are read.
    _never_plain: frozenset[str] = frozenset()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        names = (name for each in cls.__mro__ for name in (*_defined(each), *_annotated(each)))
        cls._plain_names = frozenset(names) - cls._never_plain

    def __setattr__(self, key: str, value: Any) -> None:
        if key in self._plain_names or key in self.__dict__ or self._is_plain(key):
            _set_plain(self, key, value)
            return
        self._set_attr_opt(key.upper(), self._option(key), value)

    def _is_plain(self, key: str) -> bool:
        """Whether a class has got *key* since it was made."""
        if key in self._never_plain:
            return False
        return any(key in _defined(each) for each in type(self).__mro__)

    def _option(self, key: str) -> int:
        option = getattr(constants, key.upper(), None)
        if isinstance(option, (SocketOption, ContextOption, MessageOption)):
            return option
        if key.upper() in ExtensionOption.__members__:
            return ExtensionOption[key.upper()]
        raise AttributeError(f"{type(self).__name__} has no such option: {key.upper()}")

    def _set_attr_opt(self, name: str, opt: int, value: Any) -> None:
        """What assigning to an option does."""
        self.set(opt, value)

    def _get_attr_opt(self, name: str, opt: int) -> Any:
        """What reading an option does."""
        return self.get(opt)

    def _read_option(self, key: str, option: int) -> Any:
        try:
            return self._get_attr_opt(key.upper(), option)
        except ZMQError as error:
            # hasattr() and mocks must find an option that cannot be read to be no attribute.
            if error.errno in (errno.EINVAL, errno.EFAULT):
                raise AttributeError(f"{key} attribute is write-only") from None
            raise

    def get(self, option: int) -> Any:
        """Defined by the class that uses this mixin."""
        raise NotImplementedError("override in subclass")

    def set(self, option: int, value: Any) -> None:
        """Defined by the class that uses this mixin."""
        raise NotImplementedError("override in subclass")


class AttributeSetter(OptionAttributes):
    """The same, and every option can be read as an attribute, in whatever case."""

    def __getattr__(self, key: str) -> Any:
        return self._read_option(key, self._option(key))


def give_properties(cls: type[T], options: type[SocketOption | ExtensionOption]) -> type[T]:
    """Make *options* readable as attributes of *cls*, in lower and in upper case.

    For classes of the message path instead of ``__getattr__``: CPython 3.11 looks up no attribute
    of a class with one by its fast ways, which costs 65 ns of each send() and each recv().
    """
    for name, option in options.__members__.items():
        for key in (name.lower(), name):
            if key not in vars(cls):
                setattr(cls, key, _OptionProperty(key, option))
    return cls
