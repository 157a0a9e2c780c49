"""Search engines that outgrow one machine, behind the store interface: Qdrant, Postgres with pgvector."""
