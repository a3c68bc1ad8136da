"""Ids of orders: unique, and speaking of the drill and the writer they come from."""

import re

POST_CHECK = "check-"  # the failover's own post-check places one order (gameday.service.check)
_FORM = re.compile(r"(?P<run>.+)_(?:locust|prober|kept)-\d+_\d{8,}")


def order_id(run: str, writer: str, number: int) -> str:
    """The id of a writer's n-th order; ``run`` is the record's folder name, so no two drills share an id."""
    return f"{run}_{writer}_{number:08d}"


def payload_of(id: str) -> str:
    """What the order of that id carries: about 120 bytes, told by its id alone."""
    return f"order {id} ".ljust(120, ".")


def is_foreign(id: str, run: str) -> bool:
    """Whether an order was placed by the failover's post-check, or by another drill than ``run``.

    Everything else that nobody of this drill sent is *unexpected*, and no business of this function.
    """
    known = _FORM.fullmatch(id)
    return id.startswith(POST_CHECK) or (known is not None and bool(run) and known["run"] != run)
