"""CloudFormation templates, deployed to the local control plane by the API calls that CloudFormation would make."""

from gameday.lab.local.deployer.run import PACKAGED, deploy

__all__ = ["PACKAGED", "deploy"]
