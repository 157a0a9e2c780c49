"""Ignore rules and attributes, exactly as git reads them."""
