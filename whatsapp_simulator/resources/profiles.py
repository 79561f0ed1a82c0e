"""What a phone number shows and offers: profile, greeting, settings (Meta: business profiles, settings pages)."""

from whatsapp_simulator.errors import malformed, missing
from whatsapp_simulator.fields import select
from whatsapp_simulator.http import JSON, Answer, Request, answer, success
from whatsapp_simulator.inputs import string, strings, word
from whatsapp_simulator.messages_validation.checks import objects
from whatsapp_simulator.routes import route
from whatsapp_simulator.world import World

_TEXTS = {"about": (1, 139), "address": (0, 256), "description": (0, 512), "email": (0, 128)}
_FIELDS = (*_TEXTS, "profile_picture_url", "websites", "vertical")
_VERTICALS = frozenset(
    [
        "UNDEFINED",
        "OTHER",
        "AUTO",
        "BEAUTY",
        "APPAREL",
        "EDU",
        "ENTERTAIN",
        "EVENT_PLAN",
        "FINANCE",
        "GROCERY",
        "GOVT",
        "HOTEL",
        "HEALTH",
        "NONPROFIT",
        "PROF_SERVICES",
        "RETAIL",
        "TRAVEL",
        "RESTAURANT",
        "ALCOHOL",
        "ONLINE_GAMBLING",
        "PHYSICAL_GAMBLING",
        "OTC_DRUGS",
    ]
)
_SETTINGS = ("calling", "user_identity_change", "payload_encryption", "storage_configuration")
_DEFAULT_SETTINGS: JSON = {
    "calling": {"status": "DISABLED"},
    "user_identity_change": {"enable_identity_key_check": False},
    "payload_encryption": {"status": "DISABLED"},
    "storage_configuration": {"status": "DEFAULT"},
}


@route("GET", "/{phone_number_id}/whatsapp_business_profile")
def profile(world: World, request: Request, phone_number_id: str) -> Answer:
    """The business profile: a list of one."""
    stored = world.phone_numbers[phone_number_id].details.get("profile", {})
    node = {**dict.fromkeys(_FIELDS), "messaging_product": "whatsapp", **stored}
    shown = select(node, request.query.get("fields", ""), node, "WhatsAppBusinessProfile")
    return answer({"data": [{**shown, "messaging_product": "whatsapp"}]})


@route("POST", "/{phone_number_id}/whatsapp_business_profile")
def change_profile(world: World, request: Request, phone_number_id: str) -> Answer:
    """Change the profile within Meta's limits; the picture is named by the handle of a resumable upload.

    Omits: the picture behind ``profile_picture_url``.
    """
    params = request.params()
    if params.get("messaging_product") != "whatsapp":
        raise missing("messaging_product")
    changes: JSON = {key: string(params, key, *limits) for key, limits in _TEXTS.items() if key in params}
    if "websites" in params:
        changes["websites"] = strings(params, "websites", 2, 256)
        if not all(site.startswith(("https://", "http://")) for site in changes["websites"]):
            raise malformed("The items of websites must be http or https URLs.")
    if "vertical" in params:
        changes["vertical"] = word(params, "vertical", _VERTICALS)
    if "profile_picture_handle" in params:
        if world.stores.handles.get(str(params["profile_picture_handle"])) not in {
            "image/jpeg",
            "image/jpg",
            "image/png",
        }:
            raise malformed("Param profile_picture_handle is not the handle of an uploaded picture.")
        changes["profile_picture_url"] = f"{request.base_url}/profile_pictures/{world.new_id()}"
    world.phone_numbers[phone_number_id].details.setdefault("profile", {}).update(changes)
    return success()


@route("POST", "/{phone_number_id}/conversational_automation")
def automation(world: World, request: Request, phone_number_id: str) -> Answer:
    """Set the ice breakers and commands; read back as a field of the phone number."""
    params = request.params()
    stored: JSON = {}
    if "prompts" in params:
        stored["prompts"] = strings(params, "prompts", 4, 80)
    if "commands" in params:
        stored["commands"] = [
            {
                "command_name": string(command, "command_name", 1, 32),
                "command_description": string(command, "command_description", 1, 256),
            }
            for command in objects(params, "commands", "commands", 0, 30)
        ]
    details = world.phone_numbers[phone_number_id].details
    details["conversational_automation"] = {**details.get("conversational_automation", {}), **stored}
    return success()


@route("GET", "/{phone_number_id}/settings")
def settings(world: World, request: Request, phone_number_id: str) -> Answer:
    """The settings of a phone number: calls, identity checks, encryption, storage."""
    return answer({**_DEFAULT_SETTINGS, **world.phone_numbers[phone_number_id].details.get("settings", {})})


@route("POST", "/{phone_number_id}/settings")
def change_settings(world: World, request: Request, phone_number_id: str) -> Answer:
    """Replace one or more groups of settings.

    Omits: checks inside the groups, and any effect of them.
    """
    params = request.params()
    for key, value in params.items():
        if key not in _SETTINGS or not isinstance(value, dict):
            raise malformed(f"Param {key} is not a group of settings.")
    world.phone_numbers[phone_number_id].details.setdefault("settings", {}).update(params)
    return success()
