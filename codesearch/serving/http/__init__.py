"""The resident process over HTTP: routes, who may ask, streamed answers."""
