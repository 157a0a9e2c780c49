"""Write deploy/grafana/dashboard.json: ``python -m scripts.grafana_dashboard``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent.parent / "deploy/grafana/dashboard.json"
_P = "mlx_jinabert_"
_RATE = "[$__rate_interval]"


def _quantiles(metric: str, label: str) -> dict[str, str]:
    return {
        f"p{share}": f"histogram_quantile(0.{share}, sum by (le, {label}) (rate({_P}{metric}_bucket{_RATE})))"
        for share in (50, 99)
    }


PANELS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("Healthy", "none", {"healthy": f"{_P}healthy"}),
    (
        "Requests",
        "reqps",
        {"{{route}} {{status}}": f"sum by (route, status) (rate({_P}requests_total{_RATE}))"},
    ),
    ("Latency", "s", _quantiles("request_seconds", "route")),
    ("Time in the queue", "s", _quantiles("queue_seconds", "model")),
    ("Tokens a second", "short", {"{{model}}": f"sum by (model) (rate({_P}tokens_total{_RATE}))"}),
    ("Tokens that wait", "short", {"{{model}}": f"{_P}queue_tokens", "in flight": f"{_P}requests_in_flight"}),
    (
        "Batches",
        "short",
        {
            f"{what} a batch": f"rate({_P}batch_{what}_sum{_RATE}) / rate({_P}batch_{what}_count{_RATE})"
            for what in ("requests", "texts", "tokens")
        },
    ),
    ("Time of a batch", "s", _quantiles("batch_seconds", "model")),
    (
        "Texts: from the cache, cut",
        "percentunit",
        {
            "from the cache": f"sum(rate({_P}cache_hits_total{_RATE})) / sum(rate({_P}texts_total{_RATE}))",
            "cut": f"sum(rate({_P}truncated_texts_total{_RATE})) / sum(rate({_P}texts_total{_RATE}))",
        },
    ),
    ("Memory", "bytes", {"resident": "process_resident_memory_bytes", "peak": f"{_P}peak_memory_bytes"}),
    ("CPU", "short", {"cores": f"rate(process_cpu_seconds_total{_RATE})"}),
    ("Models", "none", {"{{model}} {{backend}} {{dtype}}": f"{_P}model_loaded"}),
)
"""Title, unit, and by legend what is drawn."""


def dashboard() -> dict[str, Any]:
    """Three panels a row, in Grafana's format."""
    panels = [
        {
            "id": number + 1,
            "type": "timeseries",
            "title": title,
            "datasource": {"type": "prometheus", "uid": "prometheus"},
            "gridPos": {"h": 8, "w": 8, "x": number % 3 * 8, "y": number // 3 * 8},
            "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
            "targets": [
                {"refId": chr(65 + index), "expr": expression, "legendFormat": legend}
                for index, (legend, expression) in enumerate(drawn.items())
            ],
        }
        for number, (title, unit, drawn) in enumerate(PANELS)
    ]
    return {
        "uid": "mlx-jinabert",
        "title": "mlx-jinabert serve",
        "schemaVersion": 39,
        "refresh": "10s",
        "time": {"from": "now-30m", "to": "now"},
        "panels": panels,
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(dashboard(), indent=1) + "\n", encoding="utf-8")
