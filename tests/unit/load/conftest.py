"""The fixtures of :mod:`load_stage`."""

from load_stage import name_server, record, service, silent_port

__all__ = ["name_server", "record", "service", "silent_port"]
