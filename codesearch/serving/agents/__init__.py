"""For coding agents: the Model Context Protocol, and what sets their clients up."""
