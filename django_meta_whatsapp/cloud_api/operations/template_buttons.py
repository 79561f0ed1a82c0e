"""The rules for a template's buttons (Meta's pages "template components" and "authentication templates")."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from django_meta_whatsapp.cloud_api.content import checks

_TEXT_LIMIT = 25
_URL_LIMIT = 2000
_MOST = {
    "QUICK_REPLY": 10,
    "URL": 2,
    "PHONE_NUMBER": 1,
    "COPY_CODE": 1,
    "OTP": 1,
    "FLOW": 1,
    "CATALOG": 1,
    "MPM": 1,
    "SPM": 1,
    "ORDER_DETAILS": 1,
    "VOICE_CALL": 1,
    "REQUEST_CONTACT_INFO": 1,
}
_OWN_TEXT = ("QUICK_REPLY", "URL", "PHONE_NUMBER", "OTP", "FLOW", "VOICE_CALL")
_URL_VARIABLE = re.compile(r"[^{}]*(\{\{1\}\})?")
_SIGNATURE_HASH_LENGTH = 11


def check_buttons(buttons: Sequence[Mapping[str, Any]], category: str, *, field: str = "buttons") -> None:
    """Raises InvalidMessage, naming the button, for what Meta would refuse. field: where the buttons stand."""
    checks.count(field, buttons, 0, 10)
    types = [
        checks.one_of(f"{field}[{n}].type", str(button.get("type")), tuple(_MOST))
        for n, button in enumerate(buttons)
    ]
    for type_, number in Counter(types).items():
        if number > _MOST[type_]:
            raise checks.invalid(
                field, f"has {number} of the type {type_}, at most {_MOST[type_]} are allowed"
            )
    if ("OTP" in types) != (category == "AUTHENTICATION"):
        raise checks.invalid(field, "of the type OTP belong to authentication templates, and only they do")
    _check_order(field, types)
    for number, button in enumerate(buttons):
        _check_button(f"{field}[{number}]", button)


def _check_order(field: str, types: Sequence[str]) -> None:
    """Quick replies stand together, and so do the others: first the one group and then the other."""
    groups = [is_reply for is_reply, _ in groupby(type_ == "QUICK_REPLY" for type_ in types)]
    if len(groups) > 2:
        raise checks.invalid(field, "must keep quick replies together, before or behind all others")


def _check_button(field: str, button: Mapping[str, Any]) -> None:
    type_ = button["type"]
    if type_ in _OWN_TEXT:
        checks.text(f"{field}.text", str(button.get("text") or ""), _TEXT_LIMIT)
    check = _CHECKS.get(type_)
    if check:
        check(field, button)


def _check_url(field: str, button: Mapping[str, Any]) -> None:
    url = checks.url(f"{field}.url", str(button.get("url") or ""), _URL_LIMIT)
    if not _URL_VARIABLE.fullmatch(url):
        raise checks.invalid(f"{field}.url", "may have one variable, {{1}}, at its very end")


def _check_phone(field: str, button: Mapping[str, Any]) -> None:
    checks.text(f"{field}.phone_number", str(button.get("phone_number") or ""), 20)


def _check_copy_code(field: str, button: Mapping[str, Any]) -> None:
    example = button.get("example")
    code = example[0] if isinstance(example, list) and example else example
    checks.text(f"{field}.example", str(code or ""), 15)


def _check_flow(field: str, button: Mapping[str, Any]) -> None:
    if sum(bool(button.get(key)) for key in ("flow_id", "flow_name", "flow_json")) != 1:
        raise checks.invalid(f"{field}.flow_id", "give one of flow_id, flow_name and flow_json")
    if button.get("flow_action") is not None:
        checks.one_of(f"{field}.flow_action", str(button["flow_action"]), ("navigate", "data_exchange"))


def _check_otp(field: str, button: Mapping[str, Any]) -> None:
    if button["otp_type"] == "COPY_CODE":
        return
    checks.text(f"{field}.autofill_text", str(button.get("autofill_text") or ""), _TEXT_LIMIT)
    apps = button.get("supported_apps") or ()
    checks.count(f"{field}.supported_apps", apps, 1, 5)
    for number, app in enumerate(apps):
        checks.text(f"{field}.supported_apps[{number}].package_name", str(app.get("package_name") or ""), 224)
        if len(str(app.get("signature_hash") or "")) != _SIGNATURE_HASH_LENGTH:
            raise checks.invalid(
                f"{field}.supported_apps[{number}].signature_hash", "must have 11 characters"
            )
    if button["otp_type"] == "ZERO_TAP" and not button.get("zero_tap_terms_accepted"):
        raise checks.invalid(f"{field}.zero_tap_terms_accepted", "must be true")


_CHECKS: dict[str, Callable[[str, Mapping[str, Any]], None]] = {
    "URL": _check_url,
    "PHONE_NUMBER": _check_phone,
    "COPY_CODE": _check_copy_code,
    "FLOW": _check_flow,
    "OTP": _check_otp,
}
