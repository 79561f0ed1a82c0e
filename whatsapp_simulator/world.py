"""The whole state of the simulated platform, in memory and owned by one event loop.

Handlers read and change it directly; they are synchronous, so nothing needs a lock.

==================  ============================================================================
``portfolios``      id -> Portfolio
``wabas``           id -> Waba
``phone_numbers``   id -> PhoneNumber (its block list is ``.blocked``)
``tokens``          value -> Token
``templates``       id -> Template; look up one by ``template(waba_id, name, language)``
``media``           id -> Media
``people``          wa_id -> Person (only people of whom something is known; see ``person``)
``user_ids``        business-scoped user id -> wa_id of everybody who has written
``signups``         id -> Signup
``catalogs``        id -> Catalog
``ledger``          every accepted message
``held``            template id -> messages that pacing holds back
``inbound``         wamid of a received message -> phone number id
``faults``          failures ordered by the control plane
``stores``          what belongs to one endpoint each: uploads, flows, QR codes ...
``outbox``          webhooks that wait to be posted, and how they are posted
``nodes``           any id above (and the app's) -> Node, so that a route knows what an id is
==================  ============================================================================

Add a thing with ``add_…`` (it registers the node), take it away with ``remove_…``. Ask ``new_id()`` for an id,
``clock.now()`` for the time, ``random`` for chance. ``outbox.post(waba_id, field, value)`` sends a webhook.
"""

import math
import random
from collections.abc import Iterator

from whatsapp_simulator.clock import SimClock
from whatsapp_simulator.defaults import TEMPLATES, products
from whatsapp_simulator.faults import Faults
from whatsapp_simulator.ledger import Entry, Ledger, make_wamid
from whatsapp_simulator.limits import PairRate, Throughput
from whatsapp_simulator.outbox import Outbox, WebhookConfig
from whatsapp_simulator.settings import Settings
from whatsapp_simulator.state import (
    Catalog,
    Media,
    Node,
    Person,
    PhoneNumber,
    Portfolio,
    Signup,
    Template,
    Token,
    Waba,
)
from whatsapp_simulator.stores import Stores
from whatsapp_simulator.usage import Usage

APP_ID = "100000000000001"
PORTFOLIO_ID = "333000333000333"
WABA_ID = "111000111000111"
PHONE_NUMBER_ID = "222000222000222"
CATALOG_ID = "444000444000444"

WINDOW = 24 * 3600
"""Seconds for which a person's message opens the customer service window."""


class World:
    """See the module's description. ``reset()`` brings back the default world and real time."""

    def __init__(self, settings: Settings) -> None:
        self._initial_settings = settings
        self.clock = SimClock()
        self.random = random.Random(settings.seed)  # noqa: S311 - repeatable chance, no secret
        self.outbox = Outbox(lambda: self.clock, lambda: self.random)
        self.reset()

    def reset(self) -> None:
        """Forget everything and build the default world."""
        self.settings = self._initial_settings
        self.clock = SimClock()
        self.random = random.Random(self.settings.seed)  # noqa: S311 - repeatable chance, no secret
        self.app_id = APP_ID
        self.app_secret = self.settings.app_secret
        self.portfolios: dict[str, Portfolio] = {}
        self.wabas: dict[str, Waba] = {}
        self.phone_numbers: dict[str, PhoneNumber] = {}
        self.tokens: dict[str, Token] = {}
        self.templates: dict[str, Template] = {}
        self.media: dict[str, Media] = {}
        self.people: dict[str, Person] = {}
        self.user_ids: dict[str, str] = {}
        self.signups: dict[str, Signup] = {}
        self.catalogs: dict[str, Catalog] = {}
        self.nodes: dict[str, Node] = {self.app_id: Node("app", "")}
        self._template_ids: dict[tuple[str, str], dict[str, str]] = {}
        self._next_id = 900_000_000_000_000
        self.ledger = Ledger()
        self.faults = Faults()
        self.usage = Usage(self.settings.management_limit)
        self.held: dict[str, list[Entry]] = {}
        self.inbound: dict[str, str] = {}
        self.stores = Stores()
        self._throughput: dict[str, Throughput] = {}
        self._pair_rate: dict[str, PairRate] = {}
        self.outbox.clear(WebhookConfig(url=self.settings.webhook_url, app_secret=self.app_secret))
        self._build_default()

    def _build_default(self) -> None:
        self.add_token(Token(self.settings.access_token, self.app_id))
        self.add_token(Token(f"{self.app_id}|{self.app_secret}", self.app_id, permissions=frozenset()))
        self.add_portfolio(Portfolio(PORTFOLIO_ID))
        self.add_waba(Waba(WABA_ID, PORTFOLIO_ID))
        self.add_phone_number(
            PhoneNumber(
                PHONE_NUMBER_ID,
                WABA_ID,
                "+1 555-000-9999",
                "15550009999",
                throughput=self.settings.throughput,
            )
        )
        self.add_catalog(Catalog(CATALOG_ID, WABA_ID, products=products()))
        for name, body in TEMPLATES.items():
            components = [{"type": "BODY", "text": body}]
            self.add_template(
                Template(self.new_id(), WABA_ID, name, "en_US", "UTILITY", "APPROVED", components)
            )

    def new_id(self) -> str:
        """A fresh numeric id (15 digits)."""
        self._next_id += 1
        return str(self._next_id)

    def add_token(self, token: Token) -> None:
        self.tokens[token.value] = token

    def add_portfolio(self, portfolio: Portfolio) -> None:
        self.portfolios[portfolio.id] = portfolio
        self.nodes[portfolio.id] = Node("portfolio", "")

    def add_waba(self, waba: Waba) -> None:
        self.wabas[waba.id] = waba
        self.nodes[waba.id] = Node("waba", waba.id)

    def add_phone_number(self, number: PhoneNumber) -> None:
        self.phone_numbers[number.id] = number
        self.nodes[number.id] = Node("phone_number", number.waba_id)

    def numbers_of(self, waba_id: str) -> Iterator[PhoneNumber]:
        """The phone numbers of a WABA, oldest first."""
        return (number for number in self.phone_numbers.values() if number.waba_id == waba_id)

    def add_template(self, template: Template) -> None:
        self.templates[template.id] = template
        self._template_ids.setdefault((template.waba_id, template.name), {})[template.language] = template.id
        self.nodes[template.id] = Node("template", template.waba_id)

    def remove_template(self, template: Template) -> None:
        del self.templates[template.id]
        del self.nodes[template.id]
        languages = self._template_ids[template.waba_id, template.name]
        del languages[template.language]
        if not languages:
            del self._template_ids[template.waba_id, template.name]

    def template(self, waba_id: str, name: str, language: str) -> Template | None:
        """The language version of a template, or ``None``."""
        template_id = self.template_languages(waba_id, name).get(language)
        return self.templates[template_id] if template_id else None

    def template_languages(self, waba_id: str, name: str) -> dict[str, str]:
        """language -> template id of every version of ``name`` ({}: no such template)."""
        return self._template_ids.get((waba_id, name), {})

    def add_media(self, media: Media) -> None:
        self.media[media.id] = media
        self.nodes[media.id] = Node("media", self.phone_numbers[media.phone_number_id].waba_id)

    def remove_media(self, media_id: str) -> None:
        del self.media[media_id]
        del self.nodes[media_id]

    def add_signup(self, signup: Signup) -> None:
        self.signups[signup.id] = signup
        self.nodes[signup.id] = Node("signup", signup.waba_id)

    def add_catalog(self, catalog: Catalog) -> None:
        self.catalogs[catalog.id] = catalog
        self.nodes[catalog.id] = Node("catalog", catalog.waba_id)

    def person(self, wa_id: str) -> Person:
        """The record of a person, made when there is none yet."""
        person = self.people.get(wa_id)
        if person is None:
            person = self.people[wa_id] = Person(wa_id)
        return person

    def new_wamid(self, person: str, seq: int = 0) -> str:
        """The id of a message to (``seq`` is its number in the ledger) or from a person."""
        return make_wamid(person, seq, self.random.getrandbits(56))

    def knows_message(self, wamid: str) -> bool:
        """Was this message sent or received within the last 30 days?"""
        entry = self.ledger.get(wamid)
        if entry is not None:
            return self.clock.now() - entry.at < 30 * 24 * 3600
        return wamid in self.inbound

    def window_open(self, number: PhoneNumber, person: str) -> bool:
        """Did this person write to ``number`` within the last 24 hours?"""
        record = self.people.get(person)
        return (
            record is not None and self.clock.now() - record.last_inbound.get(number.id, -math.inf) < WINDOW
        )

    def throughput_of(self, number: PhoneNumber) -> Throughput:
        """The rate of a number; it follows ``number.throughput``."""
        bucket = self._throughput.get(number.id)
        if bucket is None or bucket.rate != number.throughput:
            bucket = self._throughput[number.id] = Throughput(number.throughput, self.clock.now())
        return bucket

    def pair_rate_of(self, number: PhoneNumber) -> PairRate:
        """The rates between a number and each person."""
        rates = self._pair_rate.get(number.id)
        if rates is None:
            rates = self._pair_rate[number.id] = PairRate()
        return rates
