"""A refresh in a process whose disk fails: a C library between it and the kernel, built when it is needed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support.paths import ROOT
from tests.support.waiting import PATIENCE

__all__ = ["FAULTS", "faulty"]

FAULTS = {"EIO": "1", "ENOSPC": "2", "short": "3", "fsync": "4"}
"""Writes that fail in two ways, writes that store half, flushes that fail."""

_SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static long seen;

static int ours(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0) return 0;
    path[n] = 0;
    return strstr(path, "index.sqlite") || strstr(path, "vectors.") || strstr(path, ".hnsw");
}

static int due(int fd) {
    const char *after = getenv("FAULT_AFTER");
    return ours(fd) && __sync_fetch_and_add(&seen, 1) >= atol(after ? after : "0");
}

static int kind(void) { const char *k = getenv("FAULT_KIND"); return k ? atoi(k) : 0; }

static ssize_t harm(size_t size, int *handled) {
    *handled = 1;
    switch (kind()) {
    case 1: errno = EIO; return -1;
    case 2: errno = ENOSPC; return -1;
    case 3: if (size < 2) break; return -2;
    }
    *handled = 0;
    return 0;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) {
    ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite64");
    int handled = 0;
    if (kind() < 4 && due(fd)) {
        ssize_t result = harm(size, &handled);
        if (result == -2) { real(fd, data, size / 2, at); errno = ENOSPC; return -1; }
        if (handled) return result;
    }
    return real(fd, data, size, at);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return pwrite64(fd, data, size, at); }

ssize_t write(int fd, const void *data, size_t size) {
    ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    int handled = 0;
    if (kind() < 4 && due(fd)) {
        ssize_t result = harm(size, &handled);
        if (result == -2) { real(fd, data, size / 2); errno = ENOSPC; return -1; }
        if (handled) return result;
    }
    return real(fd, data, size);
}

int fsync(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
    if (kind() == 4 && due(fd)) { errno = EIO; return -1; }
    return real(fd);
}
int fdatasync(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
    if (kind() == 4 && due(fd)) { errno = EIO; return -1; }
    return real(fd);
}
"""

_REFRESH = """
import sys
from codesearch import CodesearchError, open_index
from tests.support.closeness import WordHashEmbedder
try:
    with open_index(sys.argv[1], WordHashEmbedder()) as index:
        index.refresh()
except CodesearchError as error:
    print(type(error).__name__, error)
    raise SystemExit(1)
"""


@cache
def _library() -> Path:
    """Built once per process."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("needs a C compiler on Linux")
    folder = Path(_scratch().name)
    source, library = folder / "fault.c", folder / "fault.so"
    source.write_text(_SHIM)
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library


@cache
def _scratch() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="fault-", ignore_cleanup_errors=True)


def faulty(tree: Path, fault: str, after: int) -> subprocess.CompletedProcess[str]:
    """Refresh the index of ``tree`` on a disk that has the fault from its ``after``th write on."""
    environment = {
        **os.environ,
        "LD_PRELOAD": str(_library()),
        "FAULT_KIND": FAULTS[fault],
        "FAULT_AFTER": str(after),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-c", _REFRESH, str(tree)]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
