"""The demo: from a CSV file to read ticks, without an account at Meta and without a network."""

import os
import signal
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from tqdm import tqdm

from django_meta_whatsapp.models import (
    AttemptState,
    RecipientStatus,
    TemplateStatus,
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppContact,
    WhatsAppSendAttempt,
    WhatsAppTemplate,
)
from django_meta_whatsapp.utils import push_template_to_meta
from shop.ledger_check import disagreements, lost_answers
from shop.processes import HOST, free_port, running
from shop.settings import BASE_DIR, DATA_DIR
from whatsapp_simulator.control import Control

CONTACTS = BASE_DIR / "contacts.csv"
LOGIN = "demo"
TICKS_SECONDS = 120
ONE_IN_SO_MANY_IS_NOT_ON_WHATSAPP = 150


class Command(BaseCommand):
    help = "Run a first campaign against the simulator and leave the site running."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="End afterwards; fail unless ledger and tables agree."
        )
        parser.add_argument(
            "--drop", type=float, default=0.0, help="Share of answers lost after acceptance, 0 to 1."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # Ended from outside, it still ends its two processes.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        simulator_port, site_port = free_port(8025), free_port(8000)
        with ExitStack() as stack:
            self.prepare()
            control = self.start(stack, simulator_port, site_port)
            account = self.connect()
            call_command("whatsapp_import_contacts", str(CONTACTS))
            template = self.approved_template(account, control)
            campaign, seconds = self.campaign(account, template, control, options["drop"])
            self.wait_for_ticks(campaign, control)
            self.summary(campaign, account, seconds)
            self.compare(campaign, control, options)
            if not options["once"]:
                self.stay(site_port, simulator_port)

    def say(self, text: str) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(f"\n{text}"))

    def prepare(self) -> None:
        """A fresh database with one superuser."""
        self.say("Setting up a fresh SQLite database")
        DATA_DIR.mkdir(parents=True, exist_ok=True)
        for leftover in DATA_DIR.glob("shop.sqlite3*"):
            leftover.unlink()
        call_command("migrate", verbosity=0)
        get_user_model().objects.create_superuser(LOGIN, f"{LOGIN}@example.com", LOGIN)

    def start(self, stack: ExitStack, simulator_port: int, site_port: int) -> Control:
        """The simulator and the site, knowing of each other."""
        self.say("Starting the simulator and the site")
        base_url = f"http://{HOST}:{simulator_port}"
        webhook = f"http://{HOST}:{site_port}/whatsapp/webhook/"
        env = {**os.environ, "WHATSAPP_GRAPH_BASE_URL": base_url}
        settings.WHATSAPP["GRAPH_BASE_URL"] = base_url
        manage = str(BASE_DIR / "manage.py")
        simulator = ["-m", "whatsapp_simulator", "--port", str(simulator_port), "--webhook-url", webhook]
        site = [manage, "runserver", "--noreload", f"{HOST}:{site_port}"]
        stack.enter_context(running("simulator", simulator, simulator_port, DATA_DIR / "simulator.log", env))
        stack.enter_context(running("site", site, site_port, DATA_DIR / "site.log", env))
        return Control(base_url)

    def connect(self) -> WhatsAppAccount:
        self.say("Connecting the account")
        call_command("whatsapp_setup", name="Example shop")
        return WhatsAppAccount.objects.get()

    def approved_template(self, account: WhatsAppAccount, control: Control) -> WhatsAppTemplate:
        """A template of ours, submitted, and approved as Meta would: by a webhook."""
        self.say("Submitting a template and waiting for its approval")
        template = WhatsAppTemplate.objects.create(
            account=account,
            name="order_ready",
            language="en",
            category="UTILITY",
            header={"type": "TEXT", "text": "Your order is ready"},
            body_text="Hello {{1}}, your order is packed and waits for you at our counter.",
            footer_text="Example shop",
            buttons=[{"type": "QUICK_REPLY", "text": "On my way"}],
        )
        push_template_to_meta(template)
        control.template(template.name, template.language, status="APPROVED")
        for _ in _until(time.monotonic() + TICKS_SECONDS):
            template.refresh_from_db()
            if template.status == TemplateStatus.APPROVED:
                self.stdout.write(f"{template} is approved.")
                return template
        raise CommandError(f"The webhook of the approval did not come; see {DATA_DIR}/site.log.")

    def campaign(
        self, account: WhatsAppAccount, template: WhatsAppTemplate, control: Control, drop: float
    ) -> tuple[WhatsAppCampaign, float]:
        """A campaign to the imported contacts, run to its end, and the seconds that the run took."""
        self.say("Running a campaign")
        for contact in WhatsAppContact.objects.order_by("phone")[::ONE_IN_SO_MANY_IS_NOT_ON_WHATSAPP]:
            control.person(contact.normalized_phone, on_whatsapp=False)
        if drop:
            control.fault("drop", probability=drop)
        campaign = WhatsAppCampaign.objects.create(
            name="Orders ready",
            account=account,
            template=template,
            audience_type="contacts",
            audience_filters={"labels__name": "demo"},
            parameter_mappings={"1": "name"},
        )
        started = time.monotonic()
        call_command("whatsapp_campaign", "run", campaign.pk)
        return campaign, time.monotonic() - started

    def wait_for_ticks(self, campaign: WhatsAppCampaign, control: Control) -> None:
        """Until the simulator has posted every status and our rows have climbed."""
        self.say("Waiting for the read ticks")
        campaign.refresh_from_db()
        with tqdm(
            total=campaign.total_count - campaign.skipped_count, unit=" read", desc="Read", disable=None
        ) as bar:
            for _ in _until(time.monotonic() + TICKS_SECONDS):
                campaign.refresh_from_db()
                bar.update(campaign.read_count - bar.n)
                if not control.drain(timeout=0.5)["pending"]:
                    break
            campaign.refresh_from_db()
            bar.update(campaign.read_count - bar.n)

    def summary(self, campaign: WhatsAppCampaign, account: WhatsAppAccount, seconds: float) -> None:
        self.say("Summary")
        rate = campaign.sent_count / seconds
        for label, count in [
            ("recipients", campaign.total_count),
            ("skipped", campaign.skipped_count),
            ("sent", campaign.sent_count),
            ("delivered", campaign.delivered_count),
            ("read", campaign.read_count),
            ("failed", campaign.failed_count),
            ("unknown", campaign.unknown_count),
        ]:
            self.stdout.write(f"  {label:<12}{count:>7,}")
        failures = campaign.recipients.filter(status=RecipientStatus.FAILED).values_list(
            "error_code", "error_message"
        )
        reasons: dict[tuple[int | None, str], int] = {}
        for reason in failures:
            reasons[reason] = reasons.get(reason, 0) + 1
        for (code, text), count in sorted(reasons.items(), key=lambda item: -item[1]):
            self.stdout.write(f"    failed with {code} {text}: {count}")
        self.stdout.write(
            f"  {rate:,.0f} messages a second; the simulated number allows {account.throughput}."
        )

    def compare(self, campaign: WhatsAppCampaign, control: Control, options: dict[str, Any]) -> None:
        """Ledger and tables agree, and every lost answer was settled by its webhook."""
        found = disagreements(control, campaign)
        lost = lost_answers(control)
        settled = set(
            WhatsAppSendAttempt.objects.filter(token__in=lost, state=AttemptState.ACCEPTED).values_list(
                "token", flat=True
            )
        )
        if options["drop"]:
            self.stdout.write(
                f"  {len(lost)} answers were lost; {len(settled)} of these rows were settled by webhooks."
            )
        if lost != settled:
            found.append(f"{len(lost - settled)} lost answers were not settled")
        if found:
            raise CommandError("The ledger and our tables differ:\n" + "\n".join(found[:20]))
        self.stdout.write(
            self.style.SUCCESS("  The simulator's ledger and our tables agree, person by person.")
        )

    def stay(self, site_port: int, simulator_port: int) -> None:
        self.say("The site stays up until you press Ctrl-C")
        self.stdout.write(
            f"  admin      http://{HOST}:{site_port}/admin/   (login {LOGIN}, password {LOGIN})"
        )
        self.stdout.write(f"  simulator  http://{HOST}:{simulator_port}/_sim/ledger/people")
        connections.close_all()
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            self.stdout.write("\nStopped.")


def _until(deadline: float) -> Iterator[None]:
    while time.monotonic() < deadline:
        yield
        time.sleep(0.1)
