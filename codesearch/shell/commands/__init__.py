"""The subcommands, a file per group. They import what they need when they run: ``--version`` is instant."""
