"""How good a model is, on projects that no training ever saw: one command, one run, the same texts for all.

``python -m training.evaluate --help``. Models are loaded as the product loads them, so that what is measured
is what users get. No PyTorch here.
"""
