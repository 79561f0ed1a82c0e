"""Payload files are named after what they hold. (That each is asserted is in tests/webhooks/test_payload_rows.py.)"""

from tests.payload_files import load_payload, payload_names


def test_every_payload_file_is_named_after_a_field_that_it_holds() -> None:
    assert payload_names()
    for name in payload_names():
        changes = [change for entry in load_payload(name)["entry"] for change in entry["changes"] or ()]
        fields = {change["field"] for change in changes if isinstance(change, dict)}
        assert name.split("__")[0] in fields, name
