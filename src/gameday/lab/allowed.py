"""Where anything may be changed at all: outside the local lab, in an account on the list, in a region said aloud."""

from gameday.errors import GuardError
from gameday.lab.model import Lab


def may_change(lab: Lab, *regions: str) -> None:
    """Raise :class:`GuardError` unless something may be changed there, tagged or not: what is not broken but recovered,
    or created. In an account: it is on the allow-list, and ``live`` names it with each of ``regions``."""
    if lab.is_local:
        return
    for region in regions:
        wanted = f"{allowed_account(lab, region)}:{region}"
        if wanted not in lab.live:
            raise not_aloud(wanted, lab)


def allowed_account(lab: Lab, region: str) -> str:
    """The account of the credentials; raises :class:`GuardError` unless it is on the allow-list."""
    account = str(lab.client("sts", region).get_caller_identity()["Account"])
    if account not in lab.allowed_accounts:
        raise GuardError(
            f"account {account} on the experiment's allow-list",
            ", ".join(sorted(lab.allowed_accounts)) or "an empty list",
            "add it to `allowed_accounts` if this is the account for drills",
        )
    return account


def not_aloud(wanted: str, lab: Lab) -> GuardError:
    """The error of an account and a region that ``live`` does not name."""
    seen = ", ".join(sorted(lab.live)) or "nothing"
    return GuardError(f"{wanted} in the experiment's `live`", seen, "say it aloud: chaos run --var live=ACCOUNT:REGION")
