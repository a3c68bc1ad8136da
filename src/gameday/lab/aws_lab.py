"""A lab in an AWS account: the same names, read from the same stack outputs, at AWS's own speed."""

from collections.abc import Iterable

from botocore.exceptions import BotoCoreError, ClientError

from gameday.aws import Aws
from gameday.errors import LabError
from gameday.lab.model import Lab, read_outputs


def aws_lab(
    deployment: str, primary: str, secondary: str, allowed_accounts: Iterable[str] = (), live: Iterable[str] = ()
) -> Lab:
    """The deployment of ``infra/`` in the account of the environment's credentials; reads only.

    Raises :class:`LabError` when the account cannot be reached or the stacks are not there. What a drill may break
    there is decided later, by :mod:`gameday.faults.guard`, from ``allowed_accounts`` and ``live``.
    """
    aws = Aws()
    try:
        outputs = read_outputs(aws, deployment, primary, secondary)
    except (BotoCoreError, ClientError) as cause:
        raise LabError(
            f"to read the stacks {deployment}-* in {primary} and {secondary}", str(cause), "check the AWS credentials"
        ) from cause
    return Lab(
        deployment, aws, primary, secondary, outputs, deployment=deployment,
        allowed_accounts=frozenset(allowed_accounts), live=frozenset(live),
    )  # fmt: skip
