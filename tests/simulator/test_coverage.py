"""The page that says what the simulator imitates (that it is up to date is tested with the other generated pages)."""

from whatsapp_simulator.coverage import entries


def test_every_route_says_what_it_imitates() -> None:
    assert [entry for entry in entries() if not entry.imitates.endswith(".")] == []


def test_a_route_says_what_it_leaves_out_in_a_paragraph_of_its_own() -> None:
    (create,) = [entry for entry in entries() if entry[:2] == ("POST", "/{waba_id}/message_templates")]
    assert create.omits.startswith("Templates out of Meta's library")
    assert "Omits" not in create.imitates
