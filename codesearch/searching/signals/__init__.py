"""Evidence about a candidate beyond its two ranks."""
