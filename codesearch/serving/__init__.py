"""Ways to reach a warm index: the resident process, agents over MCP, the search page."""
