"""The one thread that opens a backend and evaluates with it.

MLX streams belong to a thread (since 0.31.2), so whatever thread asks, one thread computes. Requests
wait in line, one batch each: callers share the model fairly and Ctrl-C waits for one batch at most.

After ``os.fork`` the child has neither this thread nor the threads of the framework. ONNX Runtime is
opened again in the child at its first request; MLX can't be, and says so. Such a child has to end as those
of multiprocessing do (``os._exit``): ONNX Runtime's own clean-up hangs in a forked process, loaded or not.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from weakref import WeakSet

from mlx_jinabert.backends import Backend
from mlx_jinabert.errors import BackendUnavailable

__all__ = ["BackendOwner"]

T = TypeVar("T")


class BackendOwner:
    """Opens a backend in a thread of its own and runs functions on it there, in the order they came."""

    def __init__(self, open_backend: Callable[[], Backend]) -> None:
        """Returns when the backend is open; what ``open_backend`` raises is raised here."""
        self._open = open_backend
        self._lock = threading.Lock()
        self._executor: ThreadPoolExecutor | None = None
        self._backend: Backend | None = None
        self._lost: str | None = None
        self.name, self.device, self.dtype, self.dim = self.run(
            lambda backend: (backend.name, backend.device, backend.dtype, backend.dim)
        )
        _OWNERS.add(self)

    def run(self, function: Callable[[Backend], T]) -> T:
        """``function(backend)`` in the owning thread; blocks the calling one."""
        try:
            future = self._thread().submit(self._call, function)
        except RuntimeError as error:  # the interpreter is shutting down: no thread can be started any more
            raise BackendUnavailable("any", f"embed before the interpreter exits ({error})") from error
        return future.result()

    def _thread(self) -> ThreadPoolExecutor:
        if self._lost is not None:
            raise BackendUnavailable(
                self._lost,
                "this process was forked from one that had the model loaded; load the model in the child "
                'after "spawn" or "forkserver" (multiprocessing.set_start_method), or use backend="onnx"',
            )
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(1, thread_name_prefix="mlx-jinabert")
            return self._executor

    def _call(self, function: Callable[[Backend], T]) -> T:
        if self._backend is None:
            self._backend = self._open()
        return function(self._backend)

    def _after_fork(self) -> None:
        if self._backend is not None:
            # Its destructor would wait for threads that don't exist here, so it must never run.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._backend))
            self._lost = "mlx" if self._backend.name == "mlx" else None
        self._lock, self._executor, self._backend = threading.Lock(), None, None


_OWNERS: WeakSet[BackendOwner] = WeakSet()


def _forget_all() -> None:
    for owner in list(_OWNERS):
        owner._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
