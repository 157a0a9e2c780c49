"""The search as a retriever in other people's frameworks: a module for each, which imports that framework."""
