"""The guard: outside the local lab nothing is broken that was not named, tagged and said aloud."""

from collections.abc import Mapping, Sequence
from typing import Any

from gameday.errors import GuardError
from gameday.lab.allowed import allowed_account, may_change, not_aloud
from gameday.lab.model import Lab

TARGET_TAG = ("gameday:target", "true")


def only_in_the_local_lab(lab: Lab, to_do: str, but: str, next_step: str) -> None:
    """Raise :class:`GuardError` in an account, for what only the local lab can do; ``but`` says why not there."""
    if not lab.is_local:
        raise GuardError(f"a local lab {to_do}", f"AWS, {but}", next_step)


def may_drill(lab: Lab) -> None:
    """Raise :class:`GuardError` unless a drill may begin: before it starts a client or waits for the baseline.

    In an account: it is on the allow-list, and ``live`` names it with one of the lab's regions. Which resources may be
    broken is asked of each fault.
    """
    if lab.is_local:
        return
    account = allowed_account(lab, lab.primary)
    wanted = [f"{account}:{region}" for region in lab.regions]
    if not lab.live & set(wanted):
        raise not_aloud(" or ".join(wanted), lab)


def may_break(lab: Lab, region: str, resources: Sequence[Mapping[str, Any]], what: str) -> None:
    """Raise :class:`GuardError` unless every one of ``resources`` (with EC2-style ``Tags``) may be broken.

    Nothing matched is an error everywhere. In an account: it is on the allow-list, ``live`` names ``ACCOUNT:REGION``,
    and each resource carries the tag ``gameday:target = true`` (DESIGN §6).
    """
    if not resources:
        raise GuardError(f"{what} in {region} to break", "no targets", "check the region's name and stacks")
    may_change(lab, region)
    if lab.is_local:
        return
    untagged = [item for item in resources if TARGET_TAG not in _tags(item)]
    if untagged:
        raise GuardError(
            f"the tag {'='.join(TARGET_TAG)} on all {what} in {region}",
            f"{len(untagged)} of {len(resources)} without it",
            "tag what may be broken, and nothing else",
        )


def _tags(resource: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(tag["Key"], tag["Value"]) for tag in resource.get("Tags", [])}
