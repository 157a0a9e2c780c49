"""Check a model on this machine: invariants, golden and published vectors, throughput."""
