"""EC2: a subnet keeps its network ACL when the one that it should have instead is gone.

Upstream takes the old association away before it looks for the new ACL, and leaves a subnet with none at all.
"""

from typing import Any

from gameday.lab.local.patches.seam import swap


def install() -> None:
    """Put the patch in; raises UpstreamMoved."""
    from moto.ec2.models.network_acls import NetworkAclBackend

    def replace_network_acl_association(self: Any, association_id: str, network_acl_id: str) -> Any:
        self.get_network_acl(network_acl_id)  # raises InvalidNetworkAclID.NotFound
        return original(self, association_id, network_acl_id)

    name, expects = "replace_network_acl_association", "self, association_id, network_acl_id"
    original = swap(NetworkAclBackend, name, replace_network_acl_association, expects=expects)
