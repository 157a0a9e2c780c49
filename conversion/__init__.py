"""``convert-weights``: from a checkpoint to a folder that ``mlx_jinabert.load`` opens.

Reads ``mlx_jinabert``, is never imported by it. Refuses pickles, unknown tensors and half-written output.
"""
