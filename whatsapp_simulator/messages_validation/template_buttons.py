"""Button parameters of template messages."""

from whatsapp_simulator.errors import coded, invalid, malformed, missing
from whatsapp_simulator.http import JSON
from whatsapp_simulator.messages_validation.checks import Context, obj, optional_obj, optional_text, text
from whatsapp_simulator.messages_validation.commerce import check_known, check_sections
from whatsapp_simulator.messages_validation.template_parameters import parameters_of
from whatsapp_simulator.messages_validation.template_shape import ButtonShape, TemplateShape

_SUB_TYPES = {
    "QUICK_REPLY": "quick_reply",
    "URL": "url",
    "OTP": "url",
    "COPY_CODE": "copy_code",
    "FLOW": "flow",
    "CATALOG": "catalog",
    "MPM": "mpm",
    "ORDER_DETAILS": "order_details",
    "VOICE_CALL": "voice_call",
}
_THUMBNAIL = "thumbnail_product_retailer_id"
_CODE_MAX = 15
_COUPON_MAX = 20


def check_buttons(context: Context, shape: TemplateShape, given: list[JSON]) -> str | None:
    """Every given button exists and is of its kind; every button that needs a parameter has one.

    Returns the code of an authentication button, or ``None``.
    """
    seen: set[int] = set()
    code: str | None = None
    for component in given:
        index = _index(component)
        if index in seen:
            raise malformed(f"Button at index {index} is given twice.")
        seen.add(index)
        button = _button(shape, index, component)
        parameters = parameters_of(component, f"button[{index}]")
        if len(parameters) > 1:
            raise coded(132000, f"button[{index}]: number of params ({len(parameters)}) is more than one")
        for parameter in parameters:
            value = _check_parameter(context, button, index, parameter)
            code = value if button.type == "OTP" else code
        if button.needs_parameter and not component.get("parameters"):
            seen.discard(index)
    for index, button in enumerate(shape.buttons):
        if button.needs_parameter and index not in seen:
            details = f"buttons: Button at index {index} of type {button.type.title()} requires a parameter"
            raise coded(131008, details)
    return code


def _index(component: JSON) -> int:
    index = component.get("index")
    if index is None:
        raise missing("template['components']['index']")
    if isinstance(index, bool) or not str(index).isdecimal():
        raise malformed(f"Param template['components']['index'] must be 0 to 9 - got {index!r}.")
    return int(index)


def _button(shape: TemplateShape, index: int, component: JSON) -> ButtonShape:
    sub_type = text(component, "sub_type", "template['components']['sub_type']", 30).lower()
    if index >= len(shape.buttons):
        raise coded(132000, f"button: the template has no button at index {index}")
    button = shape.buttons[index]
    expected = _SUB_TYPES.get(button.type)
    if sub_type != expected:
        raise coded(
            132012,
            f"button: Button at index {index} is of type {button.type}, sub_type {sub_type!r} received",
        )
    return button


def _check_parameter(context: Context, button: ButtonShape, index: int, parameter: JSON) -> str | None:
    path = f"button[{index}]"
    kind = parameter.get("type")
    wanted = {"QUICK_REPLY": "payload", "URL": "text", "OTP": "text", "COPY_CODE": "coupon_code"}.get(
        button.type
    )
    if wanted is None:
        if button.type != "VOICE_CALL":
            _check_action(context, button, parameter, path)
        return None
    if kind != wanted:
        raise coded(132012, f"{path}: Format mismatch, expected {wanted}, received {kind}")
    if button.type == "URL" and not button.needs_parameter:
        raise coded(132000, f"{path}: the URL of the template has no variable")
    if wanted == "payload":
        return text(parameter, "payload", f"{path}['payload']", 256)
    if wanted == "coupon_code":
        coupon = text(parameter, "coupon_code", f"{path}['coupon_code']", _COUPON_MAX)
        if not (coupon.isascii() and coupon.isalnum()):
            raise invalid(f"{path}['coupon_code'] must be alphanumeric.")
        return coupon
    return text(parameter, "text", f"{path}['text']", _CODE_MAX if button.type == "OTP" else 2000)


def _check_action(context: Context, button: ButtonShape, parameter: JSON, path: str) -> None:
    if parameter.get("type") != "action":
        raise coded(132012, f"{path}: Format mismatch, expected action, received {parameter.get('type')}")
    action = obj(parameter, "action", f"{path}['action']")
    if button.type == "MPM":
        text(action, _THUMBNAIL, f"{path}['{_THUMBNAIL}']", 256)
        check_known(context, check_sections(action, f"{path}['sections']"))
    elif button.type == "CATALOG":
        if action.get(_THUMBNAIL) is not None:
            check_known(context, [text(action, _THUMBNAIL, f"{path}['{_THUMBNAIL}']", 256)])
    elif button.type == "FLOW":
        optional_text(action, "flow_token", f"{path}['flow_token']", 1024)
        data = optional_obj(action, "flow_action_data", f"{path}['flow_action_data']")
        if data is not None and not data:
            raise invalid(f"{path}['flow_action_data'] must not be empty.")
    elif button.type == "ORDER_DETAILS":
        obj(action, "order_details", f"{path}['order_details']")
