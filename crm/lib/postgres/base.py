"""The database backend (``ENGINE`` names the package above)."""

from typing import Any

from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool


class WarmPool(ConnectionPool):
    """Gives out the connection that was given back last.

    A connection plans its statements and the log's triggers when it first meets them, which costs a write twice its time.
    The pool of psycopg passes round all that a busy moment has opened; here the others rest until they are closed.
    """

    def _get_ready_connection(self, timeout: float | None) -> Any:
        self._pool.rotate(1)  # the base class takes the first one, both when it gives and when it shrinks
        return super()._get_ready_connection(timeout)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, but for the pool."""

    @property
    def pool(self) -> Any:
        """Return the pool of this database, made if need be; None where there is none."""
        options = self.settings_dict["OPTIONS"].get("pool")
        if self.alias == base.NO_DB_ALIAS or not options:
            return None
        if self.alias not in self._connection_pools:
            checks = self.settings_dict["CONN_HEALTH_CHECKS"]
            made = WarmPool(
                kwargs={**self.get_connection_params(), "autocommit": True}, open=False, configure=self._configure_connection,
                check=WarmPool.check_connection if checks else None, **options,
            )
            # Of two threads that come at once, the first one's stays; nothing is open yet.
            self._connection_pools.setdefault(self.alias, made)
        return self._connection_pools[self.alias]
