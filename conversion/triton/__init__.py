"""Model repositories for NVIDIA's Triton: texts in, vectors out."""
