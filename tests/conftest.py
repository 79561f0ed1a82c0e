"""The product's own pytest plugin serves its own tests."""

import signal
from collections.abc import Iterator

import pytest
from asgiref.sync import SyncToAsync
from django.db import connections

pytest_plugins = ["django_meta_whatsapp.testing"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell has it ignored in the background, and the processes that tests start and interrupt would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _connection_of_synchronous_code() -> Iterator[None]:
    """Closes the connection of the thread in which Django runs synchronous code for event loops: it would keep the test
    database from being dropped.
    """
    yield
    executor = SyncToAsync.single_thread_executor
    if executor._threads:
        executor.submit(connections.close_all).result()
