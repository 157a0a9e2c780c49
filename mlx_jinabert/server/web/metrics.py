"""Prometheus metrics of one server: requests, the queue, batches, models, memory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

import mlx_jinabert
from mlx_jinabert.server.record import RequestRecord

if TYPE_CHECKING:
    from mlx_jinabert.server.engine.pool import Served

__all__ = ["Metrics"]

Count = Callable[[float], None]

_PREFIX = "mlx_jinabert_"
_LATENCY = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)
_TOKENS = (16, 64, 256, 1024, 2048, 4096, 8192, 16_384, 32_768)


class Metrics:
    """All of a server's numbers, and the observer of its models."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        counter, gauge = self._counter, self._gauge
        self.requests = counter("requests", "Requests answered", "route", "method", "status")
        self.latency = self._histogram("request_seconds", "From request to answer", _LATENCY, "route")
        self.queued = self._histogram("queue_seconds", "From queued to taken for a batch", _LATENCY)
        self.in_flight = gauge("requests_in_flight", "Requests being answered")
        self.queue_tokens = gauge("queue_tokens", "Tokens that wait to be computed", "model")
        self.texts = counter("texts", "Texts asked for", "model")
        self.tokens = counter("tokens", "Tokens computed", "model")
        self.cut = counter("truncated_texts", "Texts cut to the model's limit", "model")
        self.cached = counter("cache_hits", "Texts answered from the cache", "model")
        self.batch_texts = self._histogram("batch_texts", "Texts computed together", _SIZES)
        self.batch_tokens = self._histogram("batch_tokens", "Tokens computed together", _TOKENS)
        self.batch_requests = self._histogram("batch_requests", "Requests computed together", _SIZES)
        self.batch_seconds = self._histogram("batch_seconds", "Time of a batch", _LATENCY)
        kinds = ("model", "source", "backend", "device", "dtype")
        self.model = gauge("model_loaded", "1 while a model is in memory", *kinds)
        self.load_seconds = gauge("model_load_seconds", "How long a model took to load", "model")
        self.healthy = gauge("healthy", "1 while the first model answers")
        gauge("peak_memory_bytes", "Largest resident memory so far").set_function(_peak_memory)
        gauge("build_info", "Always 1", "version").labels(mlx_jinabert.__version__).set(1)
        self._labels: dict[str, tuple[str, ...]] = {}
        self._models: dict[str, ModelMetrics] = {}
        self._kinds: dict[tuple[str, str, int], tuple[Count, Count]] = {}

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(_PREFIX + name, about, labels, registry=self.registry)

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return Gauge(_PREFIX + name, about, labels, registry=self.registry)

    def _histogram(self, name: str, about: str, buckets: Sequence[float], label: str = "model") -> Histogram:
        return Histogram(_PREFIX + name, about, (label,), buckets=buckets, registry=self.registry)

    def for_model(self, name: str) -> ModelMetrics:
        """See ``PoolObserver``."""
        return self._models.setdefault(name, ModelMetrics(self, name))

    def loaded(self, name: str, served: Served, seconds: float) -> None:
        """See ``PoolObserver``."""
        model = served.model
        source = model.model_id if "/" not in model.model_id or model.folder.origin != "folder" else "folder"
        self._labels[name] = (name, source, model.backend, model.device, model.dtype)
        self.model.labels(*self._labels[name]).set(1)
        self.load_seconds.labels(name).set(seconds)
        self.queue_tokens.labels(name).set_function(lambda: served.scheduler.tokens)

    def unloaded(self, name: str) -> None:
        """See ``PoolObserver``."""
        self.model.labels(*self._labels[name]).set(0)
        self.queue_tokens.remove(name)

    def answered(self, record: RequestRecord, method: str, route: str, status: int) -> None:
        """Count one request."""
        kind = route, method, status
        if kind not in self._kinds:  # finding a series by its labels costs more than counting
            series = self.requests.labels(route, method, str(status)), self.latency.labels(route)
            self._kinds[kind] = series[0].inc, series[1].observe
        count, observe = self._kinds[kind]
        count(1)
        observe(record.seconds)
        if record.tokens and status < 400:
            self._models[record.model].answered(record)

    def text(self) -> bytes:
        """In Prometheus' format."""
        return generate_latest(self.registry)


class ModelMetrics:
    """Observer of one model: of its batches in the model's thread, of its requests on the event loop."""

    def __init__(self, metrics: Metrics, name: str) -> None:
        self._tokens = metrics.tokens.labels(name)
        self._texts = metrics.texts.labels(name)
        self._cut = metrics.cut.labels(name)
        self._cached = metrics.cached.labels(name)
        self._queued = metrics.queued.labels(name)
        self._histograms: tuple[Count, ...] = tuple(
            histogram.labels(name).observe
            for histogram in (
                metrics.batch_texts,
                metrics.batch_tokens,
                metrics.batch_requests,
                metrics.batch_seconds,
            )
        )

    def computed(self, texts: int, tokens: int, jobs: int, seconds: float) -> None:
        """See ``Observer``."""
        self._tokens.inc(tokens)
        for observe, value in zip(self._histograms, (texts, tokens, jobs, seconds), strict=True):
            observe(value)

    def answered(self, record: RequestRecord) -> None:
        """Count the texts of one request."""
        self._texts.inc(record.texts)
        if record.cut:
            self._cut.inc(record.cut)
        if record.cached:
            self._cached.inc(record.cached)
        if record.cached < record.texts:
            self._queued.observe(record.queue_seconds)


def _peak_memory() -> float:
    """As the system counts it: kibibytes on Linux, bytes on macOS; 0 where it does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
