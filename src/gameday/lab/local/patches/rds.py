"""RDS: promotion takes its time and its errors are AWS's; a replica in another region; endpoints that are real."""

import copy
import threading
from typing import Any

from gameday.lab.local.patches.seam import demand, hooks, swap

OWN_ADDRESS = "gameday_address"  # set by the database controller on an instance that lives elsewhere than the first


def install() -> None:
    """Put the patches in; raises UpstreamMoved."""
    from moto.rds.exceptions import RDSClientError
    from moto.rds.models import RDSBackend

    _creation()
    _promotion()
    _replicas()
    _endpoints()
    _self_test(RDSBackend, RDSClientError)


def _creation() -> None:
    """Where the lab runs its databases, an instance is ``creating`` until its controller says ``available``."""
    from moto.rds.models import RDSBackend

    def create_db_instance(self: Any, db_kwargs: dict[str, Any]) -> Any:
        database = original(self, db_kwargs)
        database.status = _born()
        return database

    original = swap(RDSBackend, "create_db_instance", create_db_instance, expects="self, db_kwargs")


def _promotion() -> None:
    from moto.rds.exceptions import DBInstanceNotFoundError, RDSClientError
    from moto.rds.models import RDSBackend

    def promote_read_replica(self: Any, db_kwargs: dict[str, Any]) -> Any:
        database = self.databases.get(db_kwargs["db_instance_identifier"])
        if database is None:
            raise DBInstanceNotFoundError(db_kwargs["db_instance_identifier"])
        if not database.is_replica or database.status != "available":
            raise RDSClientError("InvalidDBInstanceState", _why_not(database))
        database.status = "modifying"
        name = f"promote-{database.resource_id}"
        threading.Thread(target=_promote, args=(self, database, db_kwargs), name=name, daemon=True).start()
        return database

    swap(RDSBackend, "promote_read_replica", promote_read_replica, expects="self, db_kwargs")


def _replicas() -> None:
    from moto.core.utils import utcnow
    from moto.rds.exceptions import DBInstanceAlreadyExists
    from moto.rds.models import DBInstance, RDSBackend

    def create_db_instance_read_replica(self: Any, db_kwargs: dict[str, Any]) -> Any:
        if db_kwargs["db_instance_identifier"] in self.databases:
            raise DBInstanceAlreadyExists
        source = self.find_db_from_id(db_kwargs["source_db_instance_identifier"])
        replica = _twin(source, self)
        replica.created = replica.instance_create_time = utcnow()
        replica.update(**{key: value for key, value in db_kwargs.items() if key != "backend"})
        replica.set_as_replica()
        self.databases[replica.db_instance_identifier] = replica
        source.add_replica(replica)
        return replica

    def remove_replica(self: Any, replica: Any) -> None:
        known_as = (replica.db_instance_arn, replica.db_instance_identifier)
        self.replicas = [name for name in self.replicas if name not in known_as]

    swap(RDSBackend, "create_db_instance_read_replica", create_db_instance_read_replica, expects="self, db_kwargs")
    swap(DBInstance, "remove_replica", remove_replica, expects="self, replica")


def _endpoints() -> None:
    from moto.rds.models import DBInstance

    def endpoint_of(database: Any) -> tuple[str, int]:
        if own := getattr(database, OWN_ADDRESS, None):
            return own, database.port
        ask = hooks().database_endpoint
        return ask(database.region, database.resource_id) if ask else (original.fget(database), database.port)

    def address(self: Any) -> str:
        return endpoint_of(self)[0]

    def endpoint(self: Any) -> dict[str, Any]:
        return dict(zip(("Address", "Port"), endpoint_of(self), strict=True))

    original = swap(DBInstance, "address", property(address), expects="property")
    swap(DBInstance, "endpoint", property(endpoint), expects="property")


def _promote(backend: Any, database: Any, asked: Any) -> None:
    """The work behind ``modifying``; a failed one leaves ``failed``, still a replica, and a line in the lab's log."""
    ask = hooks().promote
    try:
        if ask:
            ask(backend.region_name, database.resource_id)
        _become_primary(backend, database, asked)
    except Exception as cause:  # noqa: BLE001  the caller left long ago: the status and the log tell it
        database.status = "failed"
        hooks().said(f"promoting {database.resource_id} in {backend.region_name} failed: {cause!r}")


def _become_primary(backend: Any, database: Any, asked: Any) -> None:
    source = source_of(backend, database)
    if source is not None:
        source.remove_replica(database)
    database.update(**{"backup_retention_period": 1, **asked})
    database.is_replica, database.source_db_instance_identifier = False, None
    database.status = "available"


def _why_not(database: Any) -> str:
    if not database.is_replica:
        return "DB Instance is not a read replica."
    return f"DB Instance {database.resource_id} is in state {database.status}, it must be available."


def source_of(backend: Any, replica: Any) -> Any | None:
    """The instance that ``replica`` follows, or None when it is gone."""
    from moto.rds.exceptions import DBInstanceNotFoundError

    try:
        return backend.find_db_from_id(replica.source_db_instance_identifier)
    except DBInstanceNotFoundError:
        return None


def _twin(source: Any, backend: Any) -> Any:
    """A replica begins as its source, in its own region and without what AWS does not copy."""
    twin = copy.copy(source)
    twin.backend = backend
    twin.replicas, twin.tags, twin.multi_az = [], [], False
    twin.availability_zone = f"{backend.region_name}a"
    twin.backup_retention_period, twin.deletion_protection = 0, False
    twin.vpc_security_group_ids = list(source.vpc_security_group_ids)
    setattr(twin, OWN_ADDRESS, None)
    twin.status = _born()
    return twin


def _born() -> str:
    return "creating" if hooks().database_endpoint else "available"


def _self_test(backend_class: Any, error: Any) -> None:
    """Promoting what is no replica fails, and a new instance has an endpoint, on a backend nobody else sees."""
    scratch = backend_class("us-east-1", "000000000000")
    made = scratch.create_db_instance(
        {"db_instance_identifier": "probe", "engine": "postgres", "db_instance_class": "db.t4g.micro"}
        | {"vpc_security_group_ids": ["sg-probe"]}
    )
    try:
        scratch.promote_read_replica({"db_instance_identifier": "probe"})
    except error as refused:
        demand("InvalidDBInstanceState" in repr(vars(refused)), "an error code InvalidDBInstanceState", repr(refused))
    else:
        demand(False, "promotion of a primary refused", "no error")
    demand(set(made.endpoint) == {"Address", "Port"}, "an endpoint of Address and Port", repr(made.endpoint))
