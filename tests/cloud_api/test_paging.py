"""Lists are read to their end, whatever shape the end has."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from django_meta_whatsapp.cloud_api.calls import READ, Call, Page
from django_meta_whatsapp.cloud_api.errors import RequestError
from tests.cloud_api.callers import Connect
from tests.cloud_api.raw_server import Peer, RawServer, Received, Script


def read_page(body: Any) -> Page:
    return Page(body["data"], body.get("after"), body)


LIST: Call[Page] = Call("GET", "111/message_templates", read_page, READ, query={"limit": "2"})


def pages(answers: dict[str, Any]) -> Script:
    """Answers by cursor."""

    def script(peer: Peer, received: Received) -> None:
        query = parse_qs(urlsplit(received.path).query)
        assert query["limit"] == ["2"]
        answer = answers[query.get("after", [""])[0]]
        peer.answer(answer, 400 if "error" in answer else 200)

    return script


def rows(connect: Connect, server: RawServer) -> list[Any]:
    return [page.data for page in connect(server.url).pages(LIST)]


def test_all_pages_come_in_order(connect: Connect) -> None:
    answers = {
        "": {"data": [1, 2], "after": "b=&?"},
        "b=&?": {"data": [], "after": "c"},
        "c": {"data": [3]},
    }
    with RawServer(pages(answers)) as server:
        assert rows(connect, server) == [[1, 2], [], [3]]
        assert server.count("GET") == 3


@pytest.mark.parametrize("repeated", ["b", "c"])
def test_a_cursor_that_comes_again_ends_the_list(connect: Connect, repeated: str) -> None:
    answers = {
        "": {"data": [1], "after": "b"},
        "b": {"data": [2], "after": "c"},
        "c": {"data": [3], "after": repeated},
    }
    with RawServer(pages(answers)) as server:
        assert rows(connect, server) == [[1], [2], [3]]


def test_an_error_in_the_middle_of_a_list_is_raised(connect: Connect) -> None:
    answers = {
        "": {"data": [1], "after": "b"},
        "b": {"error": {"code": 100, "message": "(#100) Bad cursor"}},
    }
    with RawServer(pages(answers)) as server, pytest.raises(RequestError):
        connect(server.url).pages(LIST)
