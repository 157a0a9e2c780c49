"""Plan large indexes: disk, hours, memory, machines and cost, from measured figures."""
