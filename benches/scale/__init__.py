"""Measurements and simulations beyond one small index: docs/scale.md is written from their records."""
