"""Whether the files of the messages can be had: by Meta from a web address, or at Meta by their id."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django_meta_whatsapp.cloud_api.client import Client
from django_meta_whatsapp.cloud_api.operations.media import media_url
from django_meta_whatsapp.cloud_api.reach import reach
from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.errors import DownloadRefused, InvalidMessage, MetaAPIError
from django_meta_whatsapp.models import WhatsAppCampaignRecipient, WhatsAppMedia
from django_meta_whatsapp.services import clock
from django_meta_whatsapp.services.campaigns import uploads
from django_meta_whatsapp.services.campaigns.assignment import Assignment
from django_meta_whatsapp.services.campaigns.personalise import Uploaded
from django_meta_whatsapp.services.campaigns.preflight.report import Finding, Level
from django_meta_whatsapp.services.media import MAX_BYTES

MOST_FILES = 10
"""Files that are asked for; those of a few people stand for all."""
_KINDS = ("image", "video", "document")
_PENDING = "0"
"""Stands for the id of a file that is uploaded when the campaign runs."""


def of_messages(
    assignment: Assignment, rows: list[WhatsAppCampaignRecipient], client: Client
) -> Iterator[Finding]:
    """The files in the messages of these people."""
    waiting = assignment.personaliser.uploads
    for why in uploads.problems(assignment.campaign, assignment.account, waiting):
        yield Finding("media", Level.PROBLEM, why)
    filled = assignment.personaliser.bound({upload.key: Uploaded(_PENDING) for upload in waiting})
    files: dict[tuple[str, str, str], None] = {}
    for row in rows:
        try:
            files |= dict.fromkeys(_files(filled.content(row.parameters).payload()))
        except InvalidMessage as error:
            yield Finding("template", Level.PROBLEM, f"The message to {row} cannot be sent: {error}")
    for kind, way, where in list(files)[:MOST_FILES]:
        yield _linked(kind, where) if way == "link" else _stored(assignment, client, where)


def _files(part: Any) -> Iterator[tuple[str, str, str]]:
    """The files of a message as (kind, `link` or `id`, which), wherever they are in it."""
    if isinstance(part, Mapping):
        for kind in _KINDS:
            file = part.get(kind)
            if isinstance(file, Mapping):
                yield from (
                    (kind, way, str(file[way]))
                    for way in ("link", "id")
                    if file.get(way, _PENDING) != _PENDING
                )
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from _files(each)


def _linked(kind: str, link: str) -> Finding:
    # Whoever works against a local Graph API has local files, too.
    local = urlsplit(whatsapp_settings.GRAPH_BASE_URL).scheme == "http"
    try:
        reached = reach(link, private=local)
    except (DownloadRefused, MetaAPIError) as error:
        return Finding("media", Level.PROBLEM, f"{link} cannot be fetched: {error}")
    if not reached.is_there:
        return Finding(
            "media", Level.PROBLEM, f"{link} cannot be fetched: the server answers {reached.status}."
        )
    if reached.size is not None and reached.size > MAX_BYTES[kind]:
        limit = MAX_BYTES[kind]
        return Finding(
            "media", Level.PROBLEM, f"{link} has {reached.size} bytes; Meta takes {limit} of a {kind}."
        )
    return Finding("media", Level.OK, f"{link} can be fetched.")


def _stored(assignment: Assignment, client: Client, media_id: str) -> Finding:
    account = assignment.account
    try:
        client.run(media_url(media_id, account.phone_number_id))
    except MetaAPIError as error:
        return Finding(
            "media", Level.PROBLEM, f"Meta does not know the file {media_id} for this number: {error}"
        )
    row = WhatsAppMedia.objects.filter(account=account, media_id=media_id).order_by("-uploaded_at").first()
    if row is None:
        return Finding("media", Level.OK, f"Meta has the file {media_id}.")
    start = max(clock.now(), assignment.campaign.scheduled_at or clock.now())
    left = row.uploaded_at + uploads.LIFETIME - start
    if left <= timedelta():
        return Finding(
            "media", Level.PROBLEM, f"The file {media_id} will have expired when the campaign starts."
        )
    level = Level.CHECK if left < timedelta(days=1) else Level.OK
    return Finding("media", level, f"Meta has the file {media_id} for {left.days} more days after the start.")
