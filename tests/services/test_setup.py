"""Connecting an account: what is given, what Meta does not accept, and what is kept."""

import io
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from django_meta_whatsapp.errors import InvalidInput, MissingSetting
from django_meta_whatsapp.models import AccountState, WhatsAppAccount
from django_meta_whatsapp.services import setup
from django_meta_whatsapp.services.setup import Level
from tests.services.altered_graph import Altered
from tests.services.setting_up import (
    APP,
    CALLBACK,
    NUMBER,
    WABA,
    columns,
    found,
    given,
    levels,
    run,
)
from tests.services.threads import at_once
from whatsapp_simulator.testing import SimulatorServer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WHATSAPP_ACCESS_TOKEN", raising=False)


def test_the_settings_alone_connect_an_account(graph: SimulatorServer) -> None:
    printed = run(name="Example shop")
    account = WhatsAppAccount.objects.get()
    assert (account.name, account.phone_number_id, account.waba_id) == ("Example shop", NUMBER, WABA)
    assert (account.display_phone_number, account.profile_name) == ("+1 555-000-9999", "Sample Shop")
    assert (account.portfolio_id, account.app_id) == ("333000333000333", APP)
    assert (account.quality_rating, account.throughput, account.messaging_limit) == (
        "GREEN",
        80,
        "TIER_UNLIMITED",
    )
    assert account.state == AccountState.CONNECTED
    assert "+1 555-000-9999 (Sample Shop) is connected." in printed
    assert "Templates: 2, of them approved: 2." in printed
    assert "missing" not in printed


def test_an_account_of_the_settings_keeps_no_secret_of_its_own(graph: SimulatorServer) -> None:
    setup.connect(access_token="simulator-token", app_secret="simulator-app-secret")
    account = WhatsAppAccount.objects.get()
    assert (account.access_token, account.app_secret) == ("", "")


def test_all_is_well_with_the_default_world(graph: SimulatorServer) -> None:
    report = setup.connect()
    assert report.created
    assert levels(report) == [Level.OK] * len(report.findings)
    assert report.account.name == "Sample Shop"


def test_a_second_run_changes_nothing(graph: SimulatorServer) -> None:
    setup.connect(name="Example shop")
    before = columns()
    report = setup.connect()
    assert (report.created, report.changed) == (False, ())
    assert columns() == before
    assert "Changed: nothing." in run()


def test_a_row_that_made_itself_gets_its_name_and_facts(graph: SimulatorServer) -> None:
    row = WhatsAppAccount.objects.create(name=NUMBER, phone_number_id=NUMBER, waba_id=WABA)
    graph.control.number(NUMBER, throughput=1000, quality="YELLOW")
    report = setup.connect()
    row.refresh_from_db()
    assert (report.account.pk, row.name, row.throughput, row.quality_rating) == (
        row.pk,
        "Sample Shop",
        1000,
        "YELLOW",
    )
    assert {"name", "throughput", "quality_rating"} < set(report.changed)
    assert set(row.heard_at) == {"quality", "throughput", "limit"}
    assert "Quality: medium. 1,000 messages a second." in found(report, Level.CHECK)


def test_a_token_from_a_file_stays_with_the_account(graph: SimulatorServer, tmp_path: Path) -> None:
    graph.control.token("token-of-its-own")
    file = tmp_path / "token"
    file.write_text("\ufefftoken-of-its-own\n", encoding="utf-8")
    printed = run(token_file=str(file))
    account = WhatsAppAccount.objects.get()
    assert account.access_token == "token-of-its-own"
    assert "token-of-its-own" not in printed
    # Without a token, the account's own goes on to be used.
    graph.control.token("simulator-token", revoked=True)
    run()
    account.refresh_from_db()
    assert account.access_token == "token-of-its-own"
    # The settings' token, given as such, ends that.
    graph.control.token("simulator-token", revoked=False)
    file.write_text("simulator-token")
    assert "Changed: access_token." in run(token_file=file)
    account.refresh_from_db()
    assert account.access_token == ""


def test_a_token_from_the_environment_stays_with_the_account(
    graph: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph.control.token("token-of-its-own")
    monkeypatch.setenv("WHATSAPP_ACCESS_TOKEN", "token-of-its-own")
    run()
    assert WhatsAppAccount.objects.get().access_token == "token-of-its-own"


def test_an_environment_that_feeds_the_settings_replaces_no_token(
    graph: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph.control.token("token-of-its-own")
    setup.connect(access_token="token-of-its-own")
    monkeypatch.setenv("WHATSAPP_ACCESS_TOKEN", "simulator-token")
    run()
    assert WhatsAppAccount.objects.get().access_token == "token-of-its-own"


def test_a_person_is_asked_for_the_token_that_nothing_else_gives(
    graph: SimulatorServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    given(settings, ACCESS_TOKEN="")
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", lambda prompt: "simulator-token ")
    assert "simulator-token" not in run()
    assert WhatsAppAccount.objects.get().access_token == "simulator-token"


@pytest.mark.parametrize(
    ("key", "option"),
    [
        ("ACCESS_TOKEN", "--token-file"),
        ("PHONE_NUMBER_ID", "--phone-number-id"),
        ("WABA_ID", "--waba-id"),
    ],
)
def test_what_is_missing_is_named_with_its_option(
    key: str, option: str, graph: SimulatorServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(settings, **{key: ""})
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(CommandError, match=f"{key}.*{option}"):
        run()
    with pytest.raises(MissingSetting):
        setup.connect()
    assert columns() == []


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file"), (b" \n", "empty"), (b"\xff\xfe\xfa", "no text")]
)
def test_a_token_file_that_holds_no_token_is_told(
    content: bytes | None, why: str, graph: SimulatorServer, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CommandError, match=why):
        run(token_file=file)
    assert columns() == []


def refused(settings: Any, **options: Any) -> str:
    """What the command says; nothing is stored and the token is not told."""
    with pytest.raises(CommandError) as caught:
        run(**options)
    assert columns() == []
    assert settings.WHATSAPP["ACCESS_TOKEN"] not in str(caught.value)
    return str(caught.value)


def test_a_wrong_token_is_told_and_nothing_is_stored(graph: SimulatorServer, settings: Any) -> None:
    given(settings, ACCESS_TOKEN="a-wrong-token")
    assert refused(settings).startswith("access_token: Meta does not accept the token")


def test_a_token_that_no_token_looks_like_is_told(graph: SimulatorServer, settings: Any) -> None:
    given(settings, ACCESS_TOKEN="a wrong token")
    assert "characters that no token has" in refused(settings)


def test_a_token_without_access_to_the_number_is_told(graph: SimulatorServer, settings: Any) -> None:
    graph.control.number("555000555000555", waba_id="999000999000999")
    graph.control.token("of-somebody-else", waba_ids=["999000999000999"])
    given(settings, ACCESS_TOKEN="of-somebody-else")
    assert refused(settings).startswith(f"phone_number_id: The token may not use {NUMBER}")


@pytest.mark.parametrize("left", ["whatsapp_business_messaging", "whatsapp_business_management"])
def test_a_token_that_lacks_a_permission_is_told(left: str, graph: SimulatorServer, settings: Any) -> None:
    wanted = {"whatsapp_business_messaging", "whatsapp_business_management"}
    graph.control.token("half-a-token", permissions=[left])
    given(settings, ACCESS_TOKEN="half-a-token")
    assert f"The token lacks {(wanted - {left}).pop()}." in refused(settings)


def test_an_unknown_number_is_told(graph: SimulatorServer, settings: Any) -> None:
    assert refused(settings, phone_number_id="1").startswith("phone_number_id: Meta does not know 1")


def test_an_id_of_something_else_is_told(graph: SimulatorServer, settings: Any) -> None:
    assert refused(settings, phone_number_id=WABA).startswith("phone_number_id: Meta does not know")


def test_an_unknown_waba_is_told(graph: SimulatorServer, settings: Any) -> None:
    assert refused(settings, waba_id="1").startswith("waba_id: Meta does not know 1")


def test_a_number_of_another_waba_is_told_with_the_right_ones(graph: SimulatorServer, settings: Any) -> None:
    graph.control.number("555000555000555", waba_id="999000999000999")
    text = refused(settings, waba_id="999000999000999")
    assert "does not belong to 999000999000999, whose numbers are: 555000555000555." in text


def test_a_secret_of_another_app_is_told(graph: SimulatorServer, settings: Any, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("secret-of-another-app")
    text = refused(settings, app_secret_file=file)
    assert text.startswith("app_secret: ")
    assert "secret-of-another-app" not in text


def test_a_dead_network_is_told_with_the_address(db: None, settings: Any) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        given(settings, GRAPH_BASE_URL=address)
        assert f"Meta cannot be reached at {address}." in refused(settings)


def test_trouble_at_meta_is_told_and_nothing_is_stored(graph: SimulatorServer, settings: Any) -> None:
    graph.control.fail(4, count=None, path="phone_numbers")
    assert "too many calls" in refused(settings).lower()


def test_a_failing_update_leaves_the_row_as_it_was(graph: SimulatorServer) -> None:
    setup.connect(name="Example shop")
    before = columns()
    graph.control.number(NUMBER, quality="RED")
    graph.control.fail(10, count=None, path="subscribed_apps")
    with pytest.raises(InvalidInput):
        setup.connect(name="Another name")
    assert columns() == before


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("callback_url", {"callback_url": "https://shop.example/" + "x" * 200}),
        ("callback_url", {"callback_url": CALLBACK, "subscribe": False}),
        ("name", {"name": "x" * 256}),
    ],
)
def test_what_cannot_be_used_is_named_before_anything_happens(
    field: str, wrong: dict[str, Any], graph: SimulatorServer
) -> None:
    with pytest.raises(InvalidInput) as caught:
        setup.connect(**wrong)
    assert caught.value.field == field
    assert columns() == []


def test_the_settings_waba_puts_a_wrong_one_right(graph: SimulatorServer) -> None:
    WhatsAppAccount.objects.create(name="Shop", phone_number_id=NUMBER, waba_id="1")
    assert setup.connect().account.waba_id == WABA


def test_another_number_keeps_its_own_waba(graph: SimulatorServer) -> None:
    graph.control.number("555000555000555", waba_id="999000999000999")
    first = setup.connect(phone_number_id="555000555000555", waba_id="999000999000999")
    again = setup.connect(phone_number_id="555000555000555")
    assert (first.account.pk, again.account.waba_id) == (again.account.pk, "999000999000999")


def test_a_token_that_meta_calls_invalid_is_told(altered_graph: Altered) -> None:
    altered_graph.answers["debug_token"] = {"data": {"is_valid": False}}
    with pytest.raises(InvalidInput, match=r"access_token: .* it is not valid"):
        setup.connect()


@pytest.mark.django_db(transaction=True)
def test_a_number_that_many_connect_at_once_gets_one_row(graph: SimulatorServer) -> None:
    reports = at_once(lambda _: setup.connect(name="Example shop"), 4)
    assert {report.account.pk for report in reports} == {WhatsAppAccount.objects.get().pk}
    assert sum("waba_id" in report.changed for report in reports) == 1


def test_a_secret_of_an_app_of_its_own_stays_with_the_account(
    graph: SimulatorServer, settings: Any, tmp_path: Path
) -> None:
    given(settings, APP_SECRET="")
    file = tmp_path / "secret"
    file.write_text("simulator-app-secret")
    assert "simulator-app-secret" not in run(app_secret_file=file)
    assert WhatsAppAccount.objects.get().app_secret == "simulator-app-secret"
