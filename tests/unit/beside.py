"""Ports for tests that run beside others of another process (``pytest -n 2 --dist loadfile``): a file stays in one
process, so what one file alone uses may be fixed; what several files use has a range for each process."""

import os

WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
