"""Cut a file's bytes into chunks along its syntax tree, in processes with a time limit."""
