"""The one thread that opens a backend and evaluates with it.

MLX streams belong to a thread (since 0.31.2), so whatever thread asks, one thread computes. Requests
wait in line, one batch each: callers share the model fairly, and Ctrl-C waits for nothing. Brief batches of a
backend that any thread may use do not wait (``BackendOwner.run``).

The thread is a daemon that is still there when the process ends: it serves one owner after another. One that
ended would hand its MLX streams back while the process tears down the rest of MLX, which now and then aborts
(seen in 11 of 80 runs of MLX 0.32.4 on Linux). Before the interpreter exits, the batch that a thread computes
or the model that it lets go of is waited for: where it asks for the GIL amid that, an exiting interpreter
ends it there, and MLX's frames abort the process (two of three programs that end with a model let go).

After ``os.fork`` the child has neither this thread nor the threads of the framework. ONNX Runtime is
opened again in the child at its first request; MLX can't be, and says so. Such a child has to end as those
of multiprocessing do (``os._exit``): ONNX Runtime's own clean-up hangs in a forked process, loaded or not.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar
from weakref import WeakSet, finalize

from mlx_jinabert.backends import Backend
from mlx_jinabert.errors import BackendUnavailable

__all__ = ["BackendOwner"]

T = TypeVar("T")

_LAST_BATCH_SECONDS = 60.0
"""How long the exit of the interpreter waits for a batch."""


class BackendOwner:
    """Opens a backend in a thread of its own and runs functions on it there, in the order they came."""

    name: str
    device: str
    dtype: str
    dim: int

    def __init__(self, open_backend: Callable[[], Backend], *, wait: bool = True) -> None:
        """Returns when the backend is open; what ``open_backend`` raises is raised here.

        ``wait=False``: returns at once. ``wait`` has to be called before anything else is asked.
        """
        self._open = open_backend
        self._lock = threading.Lock()
        self._thread: _Thread | None = None
        self._backend: Backend | None = None
        self._lost: str | None = None
        _OWNERS.add(self)
        self._opening = self._submit(
            lambda backend: (backend.name, backend.device, backend.dtype, backend.dim)
        )
        if wait:
            self.wait()

    def wait(self) -> None:
        """Return when the backend is open; what opening it raised is raised here."""
        self.name, self.device, self.dtype, self.dim = self._opening.result()

    def run(self, function: Callable[[Backend], T], tokens: int | None = None) -> T:
        """``function(backend)`` in the owning thread; blocks the calling one.

        ``tokens``: of the batch that it computes. A brief one is computed here and now if the backend allows
        that: two threads that wake each other take as long as a short text, and far longer on a busy machine.
        """
        if self._lost is not None:
            raise BackendUnavailable(
                self._lost,
                "this process was forked from one that had the model loaded; load the model in the child "
                'after "spawn" or "forkserver" (multiprocessing.set_start_method), or use backend="onnx"',
            )
        backend = self._backend
        if backend is None or tokens is None or tokens > backend.brief_tokens or not _outlives_calls():
            return self._submit(function).result()
        return function(backend)

    def _submit(self, function: Callable[[Backend], T]) -> Future[T]:
        with self._lock:
            if self._thread is None:
                self._thread = _idle_thread()
                finalize(self, _leave, self._thread).atexit = False
            return self._thread.submit(lambda: self._call(function))

    def _call(self, function: Callable[[Backend], T]) -> T:
        if self._backend is None:
            self._backend = self._open()
        return function(self._backend)

    def after_fork(self) -> None:
        """In the child: forget what did not come along."""
        if self._backend is not None:
            # Its destructor would wait for threads that don't exist here, so it must never run.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._backend))
            self._lost = "mlx" if self._backend.name == "mlx" else None
        self._lock, self._thread, self._backend = threading.Lock(), None, None


class _Thread:
    """A daemon thread that runs what is submitted, for as long as the process lives."""

    def __init__(self) -> None:
        self._requests: SimpleQueue[_Request] = SimpleQueue()
        self.is_finished = False
        threading.Thread(target=_serve, args=(self._requests,), name="mlx-jinabert", daemon=True).start()

    def submit(self, function: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        if self.is_finished:
            future.set_exception(BackendUnavailable("any", "embed before the interpreter exits"))
        else:
            self._requests.put(_Request(function, future))
        return future

    def finish(self) -> None:
        """Let end what it does, and refuse all further requests."""
        last = self.submit(lambda: None)
        self.is_finished = True
        with suppress(TimeoutError):
            last.exception(_LAST_BATCH_SECONDS)


class _Request:
    """A function and where its result goes."""

    def __init__(self, function: Callable[[], Any], future: Future[Any]) -> None:
        self._function = function
        self._future = future

    def answer(self) -> None:
        try:
            self._future.set_result(self._function())
        except BaseException as error:  # the caller's to handle, whatever it is
            self._future.set_exception(error)


def _outlives_calls() -> bool:
    """Whether the interpreter waits for the calling thread before it exits, and has not begun to exit."""
    return not threading.current_thread().daemon and not any(thread.is_finished for thread in _THREADS)


def _serve(requests: SimpleQueue[_Request]) -> None:
    while True:
        request = requests.get()
        request.answer()
        del request  # or the last one would keep its owner alive until the next comes


_OWNERS: WeakSet[BackendOwner] = WeakSet()
_THREADS: list[_Thread] = []
"""All that ever were: as many as there were owners at a time."""
_IDLE: list[_Thread] = []
"""Those whose owner is garbage; the last of its requests may still be under way."""


def _idle_thread() -> _Thread:
    try:
        return _IDLE.pop()
    except IndexError:
        thread = _Thread()
        _THREADS.append(thread)
        return thread


def _leave(thread: _Thread) -> None:
    if thread in _THREADS:  # it is none of a process that was forked off since
        _IDLE.append(thread)


def _finish_all() -> None:
    for thread in list(_THREADS):
        thread.finish()


def _after_fork_all() -> None:
    _THREADS.clear()
    _IDLE.clear()
    for owner in list(_OWNERS):
        owner.after_fork()


atexit.register(_finish_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_all)
