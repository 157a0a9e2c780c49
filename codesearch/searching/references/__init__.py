"""Who uses a name, and what a definition uses: by syntax alone, from the text that is stored."""
