"""A refresh: what changed on disk becomes searchable, stage by stage."""
