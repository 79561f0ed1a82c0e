"""WhatsApp Business Accounts and the portfolio that owns them (Meta: WhatsApp business accounts page)."""

from whatsapp_simulator.errors import malformed
from whatsapp_simulator.fields import select
from whatsapp_simulator.health import waba_health
from whatsapp_simulator.http import JSON, Answer, Request, answer
from whatsapp_simulator.paging import page
from whatsapp_simulator.phones import country_of
from whatsapp_simulator.routes import route
from whatsapp_simulator.state import MANAGEMENT, Waba
from whatsapp_simulator.world import World

_DEFAULT_FIELDS = ("id", "name", "currency", "timezone_id", "message_template_namespace")
_SWITCHES = ("is_enabled_for_insights", "disable_marketing_messages_on_cloud_api")
_NODE = "WhatsAppBusinessAccount"


def waba_node(world: World, waba: Waba) -> JSON:
    """Every field of a WABA; those without a value are ``None``."""
    portfolio = world.portfolios[waba.portfolio_id]
    number = next(world.numbers_of(waba.id), None)
    return {
        "id": waba.id,
        "name": waba.name,
        "status": "ACTIVE",
        "currency": waba.currency,
        "country": country_of(number.digits) if number else None,
        "timezone_id": "1",
        "account_review_status": "APPROVED",
        "business_verification_status": "verified",
        "ownership_type": "SELF",
        "message_template_namespace": f"5a3c0f1e_{waba.id}",
        "health_status": waba_health(world, waba),
        "marketing_messages_lite_api_status": "INELIGIBLE",
        "marketing_messages_onboarding_status": "INELIGIBLE",
        "auth_international_rate_eligibility": None,
        "primary_business_location": None,
        "on_behalf_of_business_info": {
            "id": portfolio.id,
            "name": portfolio.name,
            "type": "SELF",
            "status": "APPROVED",
        },
        "owner_business_info": {"id": portfolio.id, "name": portfolio.name},
        **{name: waba.details.get(name, False) for name in _SWITCHES},
    }


@route("GET", "/{waba_id}")
def read(world: World, request: Request, waba_id: str) -> Answer:
    """One WABA with its ``fields`` and health.

    Omits: analytics and who is assigned to it.
    """
    node = waba_node(world, world.wabas[waba_id])
    return answer(select(node, request.query.get("fields", ""), _DEFAULT_FIELDS, _NODE))


@route("POST", "/{waba_id}")
def change(world: World, request: Request, waba_id: str) -> Answer:
    """Switch insights on, or marketing messages of the Cloud API off.

    Omits: any effect of the switches.
    """
    params = {key: str(value).lower() for key, value in request.params().items() if key in _SWITCHES}
    if not params or not set(params.values()) <= {"true", "false"}:
        raise malformed(f"One of {', '.join(_SWITCHES)} must be true or false.")
    if params.get("is_enabled_for_insights") == "false":
        raise malformed("Insights can't be switched off.")
    world.wabas[waba_id].details.update({key: value == "true" for key, value in params.items()})
    return answer({"id": waba_id})


@route("GET", "/{portfolio_id}")
def portfolio(world: World, request: Request, portfolio_id: str) -> Answer:
    """A business portfolio: its name."""
    node = {
        "id": portfolio_id,
        "name": world.portfolios[portfolio_id].name,
        "verification_status": "verified",
    }
    return answer(select(node, request.query.get("fields", ""), ("id", "name"), "Business"))


@route("GET", "/{portfolio_id}/owned_whatsapp_business_accounts", permission=MANAGEMENT)
def owned(world: World, request: Request, portfolio_id: str) -> Answer:
    """The WABAs of a portfolio that the token may see, in pages."""
    token = request.token
    wabas = [
        waba
        for waba in world.wabas.values()
        if waba.portfolio_id == portfolio_id and (token is None or token.sees(waba.id))
    ]
    fields = request.query.get("fields", "")
    return answer(
        page(request, wabas, lambda waba: select(waba_node(world, waba), fields, _DEFAULT_FIELDS, _NODE))
    )
