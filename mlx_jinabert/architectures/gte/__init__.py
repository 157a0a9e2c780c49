"""GTE (NewModel)."""
