"""Plans for large indexes: bytes, seconds, memory, machines and money, from figures that were measured."""
