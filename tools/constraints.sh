#!/bin/sh
# Writes constraints.txt anew from the environment that passed the tests: names and versions, no address of anything.
cd "$(dirname "$0")/.." || exit 1
{
    echo "# Versions that were tested together. Made by tools/constraints.sh."
    .venv/bin/python -m pip freeze --exclude-editable 2>/dev/null | grep -E '^[A-Za-z0-9._-]+==[^ ]+$'
} > constraints.txt
