"""Skips a test whose outside service is not there; in CI, where all are, that is a failure."""

import os
import shutil
import socket

import pytest

_PORTS = {
    "postgres": (5432, "start PostgreSQL on 127.0.0.1:5432"),
    "mariadb": (3306, "start MariaDB on 127.0.0.1:3306"),
    "redis": (6379, "start Redis on 127.0.0.1:6379 (redis-server)"),
    "rabbitmq": (5672, "start RabbitMQ on 127.0.0.1:5672 (rabbitmq-server)"),
}
_PROGRAMS = {
    "chromium": (("chromium", "chromium-browser"), "install Chromium (Debian package chromium)"),
    "redis-server": (("redis-server",), "install Redis (Debian package redis-server)"),
}


def require(service: str) -> None:
    """Returns when `service` is there: postgres, mariadb, redis, rabbitmq; or a program: chromium, redis-server."""
    if service in _PROGRAMS:
        names, hint = _PROGRAMS[service]
        there = any(map(shutil.which, names))
    else:
        port, hint = _PORTS[service]
        there = _listens(port)
    if there:
        return
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"CI must have {service}: {hint}", pytrace=False)
    pytest.skip(f"needs {service}: {hint}")


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return True
    except OSError:
        return False
