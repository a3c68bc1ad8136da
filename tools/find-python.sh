#!/bin/sh
# Prints a Python of at least 3.12 that can make virtual environments; says what is missing when there is none.
for candidate in "${PYTHON:-}" python3.12 python3.13 python3.14 python3 python; do
    [ -n "$candidate" ] || continue
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
        "$candidate" -c 'import sys; print(sys.executable)'
        exit 0
    fi
done
echo "gameday: expected a Python of at least 3.12 with its venv module; saw none among python3.12, python3.13," \
    "python3.14, python3. Next: install one (Debian: apt-get install python3.12 python3.12-venv), or name it: make PYTHON=/path/to/python" >&2
exit 1
