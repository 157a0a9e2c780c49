"""The subcommands, one file a group. What they need is imported when they run: ``--version`` is instant."""
