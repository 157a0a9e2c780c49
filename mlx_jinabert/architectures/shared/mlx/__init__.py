"""MLX layers that architectures share."""
