"""The fixtures of :mod:`service_stage`."""

from service_stage import launch, postgres, running, secrets, service, template

__all__ = ["launch", "postgres", "running", "secrets", "service", "template"]
