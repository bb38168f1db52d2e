"""The `jtn` command, one module a verb."""
