"""All that gameday changes in moto: ``apply_patches`` puts it in, and fails loudly when upstream moved."""

from gameday.lab.local import sfn_patches
from gameday.lab.local.patches import (
    ecs,
    fis,
    keys,
    messages,
    network_acls,
    rds,
    rds_backups,
    rds_removal,
    s3,
    secret_policies,
    sight,
    speed,
)
from gameday.lab.local.patches.seam import Hooks, put_in_force

__all__ = ["Hooks", "apply_patches"]

PARTS = (
    speed,
    rds,
    rds_backups,
    rds_removal,
    ecs,
    sight,
    messages,
    s3,
    keys,
    secret_policies,
    network_acls,
    fis,
    sfn_patches,
)
_installed: list[str] = []


def apply_patches(hooks: Hooks) -> None:
    """Patch moto once in this process, and put ``hooks`` in force; raises :class:`UpstreamMoved`.

    Each patch checks what it replaces and what it does, on moto objects of its own that no client sees. Called again,
    only the hooks change.
    """
    if not _installed:
        for part in PARTS:
            part.install()
            _installed.append(part.__name__)
    put_in_force(hooks)
