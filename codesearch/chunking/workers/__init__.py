"""Parse in separate processes, within limits of time and memory."""
