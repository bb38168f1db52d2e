"""The `jtn` command, one module per verb."""
