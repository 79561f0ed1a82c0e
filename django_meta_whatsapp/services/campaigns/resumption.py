"""Where a freezing that was stopped goes on: a place in the source, and the plan that the rows were made by.

Only sources that come in the same order each time have places: contacts by their key, a CSV file by its lines.
"""

import json
from hashlib import blake2b

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.models import audiences
from django_meta_whatsapp.services.campaigns.assignment import Assignment

_ORDERED = (audiences.CONTACTS, audiences.CSV)


def note(assignment: Assignment, position: int) -> str:
    """What to keep of a freezing that came as far as `position`; "" for a source that has to be read from its beginning."""
    campaign = assignment.campaign
    if whatsapp_settings.CAMPAIGN_RESOLVER or campaign.audience_type in whatsapp_settings.AUDIENCES:
        return ""
    if not position or campaign.audience_type not in _ORDERED:
        return ""
    return f"{_plan(assignment)}:{position}"


def position(assignment: Assignment, noted: str) -> int:
    """The place after which the freezing goes on; 0 when the plan has changed since."""
    plan, _, place = noted.partition(":")
    return int(place) if place and plan == _plan(assignment) else 0


def _plan(assignment: Assignment) -> str:
    """A digest of all that recipients' rows are made of. The account is the one that speaks, whose portfolio names people."""
    campaign = assignment.campaign
    segment = campaign.segment
    parts = [
        assignment.account.pk,
        campaign.template_id,
        campaign.audience_type,
        segment.filters if segment else None,
        campaign.audience_filters,
        str(campaign.csv_file.name or ""),
        campaign.parameter_mappings,
    ]
    return blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=12).hexdigest()
