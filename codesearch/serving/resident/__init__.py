"""The resident process: one per user, which keeps indexes and models open for every client."""
