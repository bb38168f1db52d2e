#!/usr/bin/env bash
# Run a command in the built workspace.
source /ws/install/setup.bash
exec "$@"
