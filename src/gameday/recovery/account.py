"""Whose account a runbook acts in: it says so before anything else, and is held to it."""

from gameday.errors import GuardError, InputError
from gameday.lab.model import Lab


def demand_account(lab: Lab, account: str | None) -> None:
    """Raise unless ``account`` is that of the credentials; the local lab has none to name.

    A runbook in an account is a recovery, not a drill: what it acts on may be all that is left, so neither the drills'
    allow-list nor their tag is asked for. In their place the person names the account (:class:`InputError` without, or
    beside a local lab), and the credentials must be of that very one (:class:`GuardError`).
    """
    if lab.is_local:
        if account:
            raise InputError("no --account for a local lab", account, "leave it out, or say --lab aws")
        return
    seen = str(lab.client("sts", lab.secondary).get_caller_identity()["Account"])
    if not account:
        raise InputError(
            "the account that the runbook shall act in", "none named", f"--account {seen}, if it is the one"
        )
    if account != seen:
        raise GuardError(
            f"credentials of account {account}", f"those of {seen}", "change the credentials, or --account"
        )
