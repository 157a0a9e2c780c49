"""An index as one file: made on one machine, often in CI, and imported by everybody who has the same
sources.
"""
