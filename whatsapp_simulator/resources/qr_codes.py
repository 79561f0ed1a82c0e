"""Short links with a message already written, and their QR codes (Meta: QR codes page)."""

from whatsapp_simulator.errors import malformed
from whatsapp_simulator.fields import select
from whatsapp_simulator.http import JSON, Answer, GraphError, Request, answer, success
from whatsapp_simulator.inputs import string, word
from whatsapp_simulator.paging import page
from whatsapp_simulator.routes import route
from whatsapp_simulator.state import MESSAGING
from whatsapp_simulator.stores import QRCode
from whatsapp_simulator.world import World

_CODE_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_CODE_LENGTH = 14
_MESSAGE_MAX = 140
_CODES_MAX = 2000
_DEFAULT_FIELDS = ("code", "prefilled_message", "deep_link_url")


def _node(request: Request, entry: QRCode, image: str = "") -> JSON:
    node: JSON = {
        "code": entry.code,
        "prefilled_message": entry.prefilled_message,
        "deep_link_url": f"https://wa.me/message/{entry.code}",
        "qr_image_url": None,
    }
    if image:
        node["qr_image_url"] = f"{request.base_url}/qr_images/{entry.code}.{image.lower()}"
    return node


@route("POST", "/{phone_number_id}/message_qrdls", permission=MESSAGING)
def save(world: World, request: Request, phone_number_id: str) -> Answer:
    """Create a short link, or with ``code`` change its message.

    Omits: the picture behind ``qr_image_url``.
    """
    params = request.params()
    codes = world.stores.qr_codes.setdefault(phone_number_id, {})
    message = string(params, "prefilled_message", 1, _MESSAGE_MAX)
    image = word(params, "generate_qr_image", ("PNG", "SVG")) if params.get("generate_qr_image") else ""
    if params.get("code"):
        entry = _known(codes, str(params["code"]))
        entry.prefilled_message = message
    else:
        if len(codes) >= _CODES_MAX:
            raise malformed(f"A phone number can have {_CODES_MAX} short links.")
        entry = QRCode("".join(world.random.choices(_CODE_LETTERS, k=_CODE_LENGTH)), message)
        codes[entry.code] = entry
    return answer({key: value for key, value in _node(request, entry, image).items() if value is not None})


def _known(codes: dict[str, QRCode], code: str) -> QRCode:
    if code not in codes:
        raise GraphError(100, "Invalid parameter", f"There is no short link {code}.")
    return codes[code]


@route("GET", "/{phone_number_id}/message_qrdls", permission=MESSAGING)
def list_codes(world: World, request: Request, phone_number_id: str) -> Answer:
    """The short links of a phone number, in pages without ``next``."""
    entries = list(world.stores.qr_codes.get(phone_number_id, {}).values())
    return answer(page(request, entries, lambda entry: _shown(request, entry), links=False))


@route("GET", "/{phone_number_id}/message_qrdls/{code}", permission=MESSAGING)
def read(world: World, request: Request, phone_number_id: str, code: str) -> Answer:
    """One short link: a list of one."""
    entry = _known(world.stores.qr_codes.get(phone_number_id, {}), code)
    return answer({"data": [_shown(request, entry)]})


def _shown(request: Request, entry: QRCode) -> JSON:
    # The field asks for the picture's kind: qr_image_url.format(SVG)
    fields = request.query.get("fields", "")
    image = "SVG" if "format(SVG)" in fields else "PNG"
    return select(_node(request, entry, image), fields, _DEFAULT_FIELDS, "MessageQRDL")


@route("DELETE", "/{phone_number_id}/message_qrdls/{code}", permission=MESSAGING)
def delete(world: World, request: Request, phone_number_id: str, code: str) -> Answer:
    """Delete a short link."""
    codes = world.stores.qr_codes.get(phone_number_id, {})
    del codes[_known(codes, code).code]
    return success()
