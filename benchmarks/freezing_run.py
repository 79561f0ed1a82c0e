"""The benchmark of freezing on one database: its audiences, and how quickly they become recipients."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from django.core.files import File
from django.core.management import call_command
from django.db import connection, transaction
from django.test import override_settings

from benchmarks.campaign_run import measure
from django_meta_whatsapp.management.garbage import collecting_seldom
from django_meta_whatsapp.models import (
    WhatsAppAccount,
    WhatsAppCampaign,
    WhatsAppCampaignRecipient,
    WhatsAppContact,
    WhatsAppContactIdentity,
    WhatsAppTemplate,
)
from django_meta_whatsapp.models.bulk.inserts import insert
from django_meta_whatsapp.models.bulk.rows import among
from django_meta_whatsapp.services.campaigns import freeze
from django_meta_whatsapp.services.campaigns.assignment import assign

_BATCH = 4000
_FIELDS = {"contacts": {"1": "name", "2": "notes"}, "csv": {"1": "name", "2": "order"}}


@transaction.atomic  # else SQLite would wait for the disk after each row
def _make_contacts(count: int) -> None:
    for start in range(0, count, _BATCH):
        numbers = range(start, min(start + _BATCH, count))
        phones = [f"9198{number:08}" for number in numbers]
        names, notes = [f"Person {number}" for number in numbers], [f"A-{number:08}" for number in numbers]
        insert(WhatsAppContact, {"phone": phones, "name": names, "notes": notes})
        ids = dict(WhatsAppContact.objects.filter(among("phone", phones)).values_list("phone", "pk"))
        identities = [f"p:{phone}" for phone in phones]
        insert(
            WhatsAppContactIdentity,
            {"contact_id": [ids[phone] for phone in phones], "identity": identities},
        )


def _write_csv(path: Path, count: int) -> None:
    with path.open("w") as file:
        file.write("phone,name,order\n")
        for number in range(count):
            file.write(f"+9197{number:08},Person {number},A-{number:08}\n")


def _campaign(source: str, template: WhatsAppTemplate, rows: int, folder: Path) -> WhatsAppCampaign:
    campaign = WhatsAppCampaign(
        name="Orders",
        account=template.account,
        template=template,
        audience_type=source,
        parameter_mappings=_FIELDS[source],
    )
    if source == "csv":
        path = folder / "people.csv"
        _write_csv(path, rows)
        with path.open("rb") as file:
            campaign.csv_file.save("people.csv", File(file), save=False)
    else:
        _make_contacts(rows)
    campaign.save()
    return campaign


def _memory(name: str) -> float:
    """Megabytes of this process: VmRSS now, VmHWM at most since it was reset."""
    text = Path("/proc/self/status").read_text()
    return int(text.split(f"{name}:", 1)[1].split()[0]) / 1024


@collecting_seldom()
def run(rows: int, sources: Sequence[str]) -> None:
    """Measures on the database of the settings, and prints."""
    call_command("migrate", verbosity=0)
    account = WhatsAppAccount.objects.create(name="Shop", phone_number_id="222000222000222")
    template = WhatsAppTemplate.objects.create(
        account=account,
        name="order_update",
        language="en_US",
        category="UTILITY",
        status="APPROVED",
        body_text="Hi {{1}}, your order {{2}} is on its way.",
    )
    with tempfile.TemporaryDirectory() as folder, override_settings(MEDIA_ROOT=folder):
        for source in sources:
            campaign = _campaign(source, template, rows, Path(folder))
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("VACUUM ANALYZE")
            assignment = assign(campaign)
            Path("/proc/self/clear_refs").write_text("5")
            before = _memory("VmRSS")
            frozen = measure(rows, lambda assignment=assignment: freeze.freeze(assignment))  # type: ignore[misc]
            grown = _memory("VmHWM") - before
            pending = WhatsAppCampaignRecipient.objects.filter(campaign=campaign, status="pending").count()
            if pending != rows:
                raise SystemExit(f"Of {rows} people {pending} can be sent to.")
            told = str(frozen).replace("messages", "recipients").replace("a message", "a recipient")
            print(f"{connection.vendor:12} {source:10} {told}, {grown:.0f} MB more memory", flush=True)
