"""The subcommands of `manage.py whatsapp_webhooks`. A new one: a `Subcommand` in a module of its own, named in this list."""

from django_meta_whatsapp.management.journal.base import Subcommand
from django_meta_whatsapp.management.journal.prune import PRUNE
from django_meta_whatsapp.management.journal.replay import REPLAY
from django_meta_whatsapp.management.journal.status import STATUS

SUBCOMMANDS: tuple[Subcommand, ...] = (STATUS, REPLAY, PRUNE)
