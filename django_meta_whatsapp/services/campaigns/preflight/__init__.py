"""What there is to know of a campaign before anything is sent; see `running.preflight`."""

from django_meta_whatsapp.services.campaigns.preflight.report import Finding, Level, Preflight, told
from django_meta_whatsapp.services.campaigns.preflight.running import Extent, discard, preflight
from django_meta_whatsapp.services.campaigns.preflight.trial import Trial, send_trial

__all__ = ["Extent", "Finding", "Level", "Preflight", "Trial", "discard", "preflight", "send_trial", "told"]
