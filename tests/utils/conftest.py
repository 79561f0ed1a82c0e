"""Each function of `utils` both ways: blocking, and its awaited twin."""

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from django_meta_whatsapp import utils

Call = Callable[..., Any]


@pytest.fixture(params=["blocking", "awaited"])
def call(request: pytest.FixtureRequest) -> Call:
    """`call("send_text_message", …)` calls the function, or its twin in an event loop of its own."""

    def blocking(name: str, *args: Any, **kwargs: Any) -> Any:
        return getattr(utils, name)(*args, **kwargs)

    def awaited(name: str, *args: Any, **kwargs: Any) -> Any:
        return async_to_sync(getattr(utils, f"a{name}"))(*args, **kwargs)

    return blocking if request.param == "blocking" else awaited
