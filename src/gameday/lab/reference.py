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


def reach(reference: LabReference) -> Lab:
    """The lab, attached anew; raises :class:`LabError` when it cannot be reached."""
    if reference.kind == "local":
        from gameday.lab.local.attach import attach

        return attach(reference.name)
    from gameday.lab.aws_lab import aws_lab

    return aws_lab(reference.deployment, reference.primary, reference.secondary)
