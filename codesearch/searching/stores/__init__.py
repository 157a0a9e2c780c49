"""Where candidates come from: the index of one root, or of several searched as one."""
