"""For coding agents: the Model Context Protocol, and the setup of their clients."""
