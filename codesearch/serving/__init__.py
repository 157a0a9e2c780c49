"""Ways to one warm index: the resident process, agents over MCP, the search page."""
