"""Questions with their right places."""
