"""A shipped model taught further: questions behind a prompt of their own, texts against near ones."""
