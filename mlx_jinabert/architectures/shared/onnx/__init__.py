"""ONNX graph parts that architectures share."""
