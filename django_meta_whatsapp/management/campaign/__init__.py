"""The subcommands of `manage.py whatsapp_campaign`. A new one: a `Subcommand` in a module of its own, named in this list."""

from django_meta_whatsapp.management.campaign.base import Subcommand
from django_meta_whatsapp.management.campaign.control import CANCEL, PAUSE, RESUME, RETRY
from django_meta_whatsapp.management.campaign.exporting import EXPORT
from django_meta_whatsapp.management.campaign.preflighting import PREFLIGHT
from django_meta_whatsapp.management.campaign.running import RUN
from django_meta_whatsapp.management.campaign.status import STATUS
from django_meta_whatsapp.management.campaign.unknown import UNKNOWN

SUBCOMMANDS: tuple[Subcommand, ...] = (PREFLIGHT, RUN, STATUS, PAUSE, RESUME, CANCEL, RETRY, UNKNOWN, EXPORT)
