"""``python -m gameday.service``: one worker process on HOST:PORT, until SIGTERM."""

import gc
import signal
import sys
from types import FrameType

import uvicorn

from gameday.service import settings as bounds
from gameday.service.app import make_app
from gameday.service.cloud import Cloud
from gameday.service.database import Database
from gameday.service.settings import SettingsError, from_environment


class Server(uvicorn.Server):
    """Refuses orders as "not applied" from the moment it is told to stop."""

    database: Database

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.database.stopping = True
        super().handle_exit(sig, frame)


def main() -> int:
    """Serve until told to stop; the exit code is 0 after a graceful stop, 2 when the environment is not usable."""
    try:
        settings = from_environment()
    except SettingsError as cause:
        sys.stderr.write(f"gameday.service: {cause}\n")
        return 2
    cloud = Cloud(settings)
    database = Database(settings, cloud)
    server = Server(
        uvicorn.Config(
            make_app(settings, database, cloud),
            host=settings.host,
            port=settings.port,
            loop="asyncio",
            lifespan="on",
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_keep_alive=bounds.KEEP_ALIVE_S,
            timeout_graceful_shutdown=settings.graceful_stop_s,
        )
    )
    server.database = database
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _ended_already)
    gc.freeze()
    server.run()
    return 0 if server.started else 1


def _ended_already(_number: int, _frame: FrameType | None) -> None:
    """Uvicorn raises the signal again after its own shutdown; by then there is nothing left to end."""


if __name__ == "__main__":
    sys.exit(main())
