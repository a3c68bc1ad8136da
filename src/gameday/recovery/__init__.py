"""Recovery: runbooks as steps, one file each, and the table that names them."""

from gameday.recovery.runbook import Runbook

RUNBOOKS: dict[str, str] = {  # a runbook's name -> the module of this room whose RUNBOOK it is
    "database-restore": "database_restore",
    "failback": "failback",
    "object-recovery": "object_recovery",
    "planned-failover": "planned_failover",
    "unplanned-failover": "unplanned_failover",
}


def runbook(name: str) -> Runbook:
    """The runbook of that name; :class:`InputError` names those that there are."""
    import importlib

    from gameday.errors import InputError

    if name not in RUNBOOKS:
        raise InputError(f"a runbook ({', '.join(RUNBOOKS) or 'there is none'})", repr(name), "correct its name")
    found: Runbook = importlib.import_module(f"gameday.recovery.{RUNBOOKS[name]}").RUNBOOK
    return found
