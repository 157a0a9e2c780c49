"""How good the answers are: annotated queries against ``index.search``, with intervals and ablations."""
