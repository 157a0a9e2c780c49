"""Parts that architectures share."""
