"""CodeSage."""
