"""convert-weights: checkpoints to MLX and ONNX."""
