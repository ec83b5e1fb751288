"""Decorators that hand a function a context or a socket, and close it afterwards.

::

    @context()
    @socket(zmq.PUSH)
    def work(ctx, push): ...

Owns how the object gets among the function's arguments. The object is added behind the positional
arguments, or by keyword where the decorator is given a name.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from gzmtp.context import Context

__all__ = ("context", "socket")

_F = TypeVar("_F", bound=Callable[..., Any])


class _Decorator:
    """Makes a decorator that opens ``target(*args, **kwargs)`` around each call."""

    def __init__(self, target: Callable[..., Any] | None = None) -> None:
        self._target = target

    def __call__(self, *dec_args: Any, **dec_kwargs: Any) -> Callable[[_F], _F]:
        keyword, dec_args, dec_kwargs = self.process_decorator_args(*dec_args, **dec_kwargs)

        def decorator(func: _F) -> _F:
            @wraps(func)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                target = self.get_target(*args, **kwargs)
                assert target is not None
                with target(*dec_args, **dec_kwargs) as made:
                    if not keyword:
                        return func(*args, made, **kwargs)
                    if keyword in kwargs:
                        raise TypeError(
                            f"{func.__name__}() got multiple values for argument '{keyword}'"
                        )
                    return func(*args, **{**kwargs, keyword: made})

            return cast(_F, wrapper)

        return decorator

    def get_target(self, *args: Any, **kwargs: Any) -> Callable[..., Any] | None:
        """What makes the object, given the arguments of the call."""
        return self._target

    def process_decorator_args(
        self, *args: Any, **kwargs: Any
    ) -> tuple[str | None, tuple[Any, ...], dict[str, Any]]:
        """Take the keyword's name from the decorator's arguments; the rest is the target's."""
        if isinstance(kwargs.get("name"), str):
            return kwargs.pop("name"), args, kwargs
        if args and isinstance(args[0], str):
            return args[0], args[1:], kwargs
        return None, args, kwargs


class _ContextDecorator(_Decorator):
    def __init__(self) -> None:
        super().__init__(Context)


class _SocketDecorator(_Decorator):
    """Finds the context of its sockets among the arguments of the call."""

    def process_decorator_args(
        self, *args: Any, **kwargs: Any
    ) -> tuple[str | None, tuple[Any, ...], dict[str, Any]]:
        keyword, args, kwargs = super().process_decorator_args(*args, **kwargs)
        self.context_name = kwargs.pop("context_name", "context")
        return keyword, args, kwargs

    def get_target(self, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        return cast(Callable[..., Any], self._get_context(*args, **kwargs).socket)

    def _get_context(self, *args: Any, **kwargs: Any) -> Context[Any]:
        """The one with the right keyword, else the first argument that is one, else the
        global one."""
        for candidate in (kwargs.get(self.context_name), *args):
            if isinstance(candidate, Context):
                return candidate
        return Context.instance()


def context(*args: Any, **kwargs: Any) -> Callable[[_F], _F]:
    """Hand the function a Context.

    :param name: the keyword to hand it over by; all other arguments are Context's.
    """
    return _ContextDecorator()(*args, **kwargs)


def socket(*args: Any, **kwargs: Any) -> Callable[[_F], _F]:
    """Hand the function a Socket.

    :param name: the keyword to hand it over by.
    :param context_name: the keyword by which the function gets its context, "context" by default;
        all other arguments are those of Context.socket().
    """
    return _SocketDecorator()(*args, **kwargs)
