"""The buttons of a template."""

from collections import Counter
from collections.abc import Callable
from itertools import groupby

from whatsapp_simulator.errors import missing
from whatsapp_simulator.http import JSON
from whatsapp_simulator.templates_validation.checks import (
    items_of,
    kind_of,
    text_of,
    variables_of,
    whole,
    without_variables,
    wrong,
)

_BUTTONS_MAX = 10
_LABEL_MAX = 25
_URL_MAX = 2000
_PHONE_MAX = 20
_CODE_MAX = 15
_MOST = {
    "QUICK_REPLY": 10,
    "URL": 2,
    "PHONE_NUMBER": 1,
    "COPY_CODE": 1,
    "FLOW": 1,
    "CATALOG": 1,
    "MPM": 1,
    "SPM": 1,
    "ORDER_DETAILS": 1,
    "VOICE_CALL": 1,
    "REQUEST_CONTACT_INFO": 1,
}
_LABEL_FIXED = frozenset({"COPY_CODE", "CATALOG", "MPM", "SPM", "REQUEST_CONTACT_INFO", "ORDER_DETAILS"})


def check_buttons(component: JSON, *, most: int = _BUTTONS_MAX) -> list[str]:
    """Check the buttons of a BUTTONS component and return their types in order."""
    buttons = items_of(component, "buttons", "BUTTONS['buttons']", 1, most)
    kinds = []
    for index, button in enumerate(buttons):
        kind = button["type"] = kind_of(button, "type", f"buttons[{index}]")
        if kind not in _MOST:
            raise wrong(f"buttons[{index}]: {kind} is not a button type of this category.")
        if kind not in _LABEL_FIXED:
            label = text_of(button, f"buttons[{index}]", _LABEL_MAX)
            if "{{" in label:
                raise wrong(f"buttons[{index}]: the text can't have variables.")
        if kind in _CHECKS:
            _CHECKS[kind](button, f"buttons[{index}]")
        kinds.append(kind)
    for kind, count in Counter(kinds).items():
        if count > _MOST[kind]:
            raise wrong(f"A template can have {_MOST[kind]} buttons of type {kind}, not {count}.")
    _check_order(kinds)
    return kinds


def _check_order(kinds: list[str]) -> None:
    groups = [kind for kind, _ in groupby(kinds, key="QUICK_REPLY".__eq__)]
    if len(groups) > 2:
        raise wrong(
            "Invalid combination of buttons: quick replies and other buttons must each stand together."
        )


def _check_url(button: JSON, where: str) -> None:
    url = text_of(button, where, _URL_MAX, key="url")
    if not without_variables(url).startswith(("https://", "http://")):
        raise wrong(f"{where}['url'] is not a valid URL.")
    names = variables_of(url, named=False, subcode=2388072, where="button URL")
    if not names:
        return
    if len(names) > 1 or not url.endswith("}}"):
        raise wrong(f"{where}['url'] can have one variable, at its end.")
    example = button.get("example")
    if (
        not isinstance(example, list)
        or len(example) != 1
        or not isinstance(example[0], str)
        or not example[0]
    ):
        raise wrong(f"{where}['example'] must be a list of one text.")


def _check_phone(button: JSON, where: str) -> None:
    number = text_of(button, where, _PHONE_MAX, key="phone_number")
    if sum(letter.isdecimal() for letter in number) < 5:
        raise wrong(f"{where}['phone_number'] is not a phone number.")


def _check_copy_code(button: JSON, where: str) -> None:
    example = button.get("example")
    code = example[0] if isinstance(example, list) and len(example) == 1 else example
    if not isinstance(code, str) or not 1 <= len(code) <= _CODE_MAX:
        raise wrong(f"{where}['example'] must be a code of 1 to {_CODE_MAX} characters.")


def _check_flow(button: JSON, where: str) -> None:
    if sum(button.get(key) is not None for key in ("flow_id", "flow_name", "flow_json")) != 1:
        raise missing(f"{where}: exactly one of flow_id, flow_name and flow_json")
    if button.get("flow_action", "navigate") not in ("navigate", "data_exchange"):
        raise wrong(f"{where}['flow_action'] must be navigate or data_exchange.")


_CHECKS: dict[str, Callable[[JSON, str], None]] = {
    "URL": _check_url,
    "PHONE_NUMBER": _check_phone,
    "COPY_CODE": _check_copy_code,
    "FLOW": _check_flow,
}


def check_otp_button(component: JSON) -> None:
    """The one button of an authentication template."""
    (button,) = items_of(component, "buttons", "BUTTONS['buttons']", 1, 1)
    kind = button["type"] = kind_of(button, "type", "buttons[0]")
    if kind != "OTP":
        raise wrong("Authentication templates have one button, of type OTP.")
    otp_type = button["otp_type"] = kind_of(button, "otp_type", "buttons[0]")
    if otp_type not in {"COPY_CODE", "ONE_TAP", "ZERO_TAP"}:
        raise wrong("otp_type must be COPY_CODE, ONE_TAP or ZERO_TAP.")
    for key in ("text", "autofill_text"):
        if button.get(key) is not None:
            text_of(button, "buttons[0]", _LABEL_MAX, key=key)
    if otp_type == "COPY_CODE":
        return
    for app in items_of(button, "supported_apps", "buttons[0]['supported_apps']", 1, 5):
        text_of(app, "supported_apps", 224, key="package_name")
        if len(text_of(app, "supported_apps", 11, key="signature_hash")) != 11:
            raise wrong("signature_hash must have 11 characters.")
    if otp_type == "ZERO_TAP" and button.get("zero_tap_terms_accepted") is not True:
        raise wrong("zero_tap_terms_accepted must be true for ZERO_TAP.")


def check_expiration(footer: JSON) -> None:
    """The footer of an authentication template: minutes until the code expires, no text."""
    if footer.get("text") is not None:
        raise wrong("The footer of an authentication template has no text.")
    if footer.get("code_expiration_minutes") is not None:
        whole(footer, "code_expiration_minutes", "FOOTER['code_expiration_minutes']", 1, 90)
