"""How to reach a lab again from another process: what a drill tells its warden, and a record tells ``gameday undo``."""

from dataclasses import dataclass

from gameday.lab.model import Lab


@dataclass(frozen=True, slots=True)
class LabReference:
    """``kind`` is ``local`` or ``aws``; ``private`` means the drill owns it, and it ends with the drill."""

    kind: str
    name: str
    private: bool = False
    deployment: str = "gameday"
    primary: str = "ap-southeast-2"
    secondary: str = "us-west-2"


def is_gone(reference: LabReference) -> bool:
    """Whether it was a local lab that has ended, killed or not: what was broken in it ended with it."""
    if reference.kind != "local":
        return False
    from gameday.lab.local.home import read_state

    state = read_state(reference.name)
    return state is None or not state.is_alive


def reach(reference: LabReference) -> Lab:
    """The lab, attached anew; raises :class:`LabError` when it cannot be reached."""
    if reference.kind == "local":
        from gameday.lab.local.attach import attach

        return attach(reference.name)
    from gameday.lab.aws_lab import aws_lab

    return aws_lab(reference.deployment, reference.primary, reference.secondary)
