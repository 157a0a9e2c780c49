"""Programs that write documents and fixtures, or measure the code itself."""
