"""A campaign's files at Meta: uploaded once for each number before the first message, and anew before their ids run out.

The upload of a stored file is a WhatsAppMedia row, one for each number. Whoever uploads claims the row first; others wait.
"""

import mimetypes
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from django.core.files.storage import Storage
from django.db.models import Q
from django.db.models.functions import Now

from django_meta_whatsapp.cloud_api.errors import AccountError, AuthError, MetaAPIError, Outcome
from django_meta_whatsapp.errors import CampaignNotRunnable, InvalidInput
from django_meta_whatsapp.models import PauseCause, WhatsAppAccount, WhatsAppCampaign, WhatsAppMedia
from django_meta_whatsapp.models.bulk.claims import ends_in
from django_meta_whatsapp.services import clock, media
from django_meta_whatsapp.services.campaigns.assignment import Assignment
from django_meta_whatsapp.services.campaigns.personalise import Upload, Uploaded
from django_meta_whatsapp.services.steps import run

LIFETIME = timedelta(days=30)
"""Meta's ids of uploaded files are good for so long (its page "Media")."""
MARGIN = timedelta(days=1)
"""A file that has less left is uploaded anew: messages take a while, and clocks differ."""
CLAIM_SECONDS = 300.0
_LOOK = 0.2


def bound(assignment: Assignment) -> Assignment:
    """The assignment with its files at Meta, which are uploaded where they are not. The same when it needs none.

    Raises CampaignNotRunnable for a file that is gone, of the wrong kind, too large, or that Meta does not take.
    """
    uploads = assignment.personaliser.uploads
    if not uploads:
        return assignment
    rows = _rows(assignment.campaign, assignment.account, uploads)
    at_meta = {key: _at_meta(row, assignment.account) for key, row in rows.items()}
    files = {key: Uploaded(row.media_id, row.original_filename) for key, row in at_meta.items()}
    good_until = min(_good_until(row) for row in at_meta.values())
    return replace(assignment, personaliser=assignment.personaliser.bound(files), files_good_until=good_until)


def are_stale(assignment: Assignment) -> bool:
    """Whether the files of a bound assignment must be looked at again."""
    return assignment.files_good_until is not None and clock.now() >= assignment.files_good_until


def problems(campaign: WhatsAppCampaign, account: WhatsAppAccount, uploads: tuple[Upload, ...]) -> list[str]:
    """What would keep these files from being uploaded, a sentence each; uploads nothing."""
    found = []
    for upload in uploads:
        try:
            (row,) = _rows(campaign, account, (upload,)).values()
            if not _is_fresh(row):
                with _storage(row).open(str(row.file.name), "rb") as file, media.opened(file, row.mime_type):
                    pass
        except (CampaignNotRunnable, InvalidInput, OSError) as error:
            found.append(str(error))
    return found


def _rows(
    campaign: WhatsAppCampaign, account: WhatsAppAccount, uploads: tuple[Upload, ...]
) -> dict[str, WhatsAppMedia]:
    """The row of each upload, for this number. One query for all that are rows already."""
    named = WhatsAppMedia.objects.in_bulk([upload.media for upload in uploads if upload.media is not None])
    return {upload.key: _row(campaign, account, upload, named) for upload in uploads}


def _row(
    campaign: WhatsAppCampaign,
    account: WhatsAppAccount,
    upload: Upload,
    named: Mapping[int, WhatsAppMedia],
) -> WhatsAppMedia:
    if upload.media is None:
        name = str(campaign.header_file.name or "")
        row = _of_file(account, name, mimetypes.guess_type(name)[0] or "", PurePosixPath(name).name)
    else:
        known = named.get(upload.media)
        if known is None:
            raise CampaignNotRunnable(
                f"The template's {upload.told}: there is no stored file {upload.media}."
            )
        row = known
        if known.account_id != account.pk:
            # Meta gives a file to the number that uploaded it, and to no other.
            if not known.file:
                raise _gone(known)
            row = _of_file(account, str(known.file.name), known.mime_type, known.original_filename)
    if media.kind_of(row.mime_type) != upload.kind:
        raise CampaignNotRunnable(
            f"The template's {upload.told}: {row} is {row.mime_type or 'of no known type'}, which is no {upload.kind}."
        )
    return row


def _of_file(account: WhatsAppAccount, name: str, mime_type: str, filename: str) -> WhatsAppMedia:
    """The row of a stored file's upload for a number."""
    rows = WhatsAppMedia.objects.filter(account=account, source=name)
    found = rows.first()
    if found is None:
        kind = media.kind_of(mime_type)
        new = WhatsAppMedia(
            account=account,
            source=name,
            file=name,
            media_type=kind,
            mime_type=mime_type,
            original_filename=filename,
        )
        WhatsAppMedia.objects.bulk_create([new], ignore_conflicts=True)
        found = rows.get()
    return found


def _good_until(row: WhatsAppMedia) -> datetime:
    return row.uploaded_at + LIFETIME - MARGIN


def _is_fresh(row: WhatsAppMedia) -> bool:
    return bool(row.media_id) and clock.now() < _good_until(row)


def _at_meta(row: WhatsAppMedia, account: WhatsAppAccount) -> WhatsAppMedia:
    """The row with an id that is good for a while; by us or by whoever is at it."""
    while not _is_fresh(row):
        if not row.file:
            raise _gone(row)
        if _claim(row):
            _upload(row, account)
        else:
            time.sleep(_LOOK)
        row.refresh_from_db()
    return row


def _claim(row: WhatsAppMedia) -> bool:
    free = Q(claimed_until=None) | Q(claimed_until__lt=Now())
    # Somebody may have uploaded it since it was read.
    same = WhatsAppMedia.objects.filter(free, pk=row.pk, media_id=row.media_id, uploaded_at=row.uploaded_at)
    return bool(same.update(claimed_until=ends_in(CLAIM_SECONDS)))


def _upload(row: WhatsAppMedia, account: WhatsAppAccount) -> None:
    claimed = WhatsAppMedia.objects.filter(pk=row.pk)
    try:
        with _storage(row).open(str(row.file.name), "rb") as file:
            media_id = run(media.upload(cast(BinaryIO, file), row.mime_type, account), account)
    except (MetaAPIError, InvalidInput, OSError) as error:
        claimed.update(claimed_until=None)
        raise CampaignNotRunnable(f"The file {row} could not be uploaded: {error}", _cause(error)) from error
    except BaseException:
        claimed.update(claimed_until=None)
        raise
    claimed.update(media_id=media_id, uploaded_at=clock.now(), claimed_until=None)


def _cause(error: Exception) -> PauseCause:
    if isinstance(error, AuthError):
        return PauseCause.TOKEN
    if isinstance(error, AccountError):
        return PauseCause.ACCOUNT_REFUSED
    # An upload may be made twice: whether this one arrived does not matter.
    unreached = isinstance(error, MetaAPIError) and error.outcome != Outcome.REJECTED
    return PauseCause.UNREACHABLE if unreached else PauseCause.SETUP


def _storage(row: WhatsAppMedia) -> Storage:
    # From the storage: the field's own file is one object, which two readers would close on each other.
    return row.file.storage


def _gone(row: WhatsAppMedia) -> CampaignNotRunnable:
    return CampaignNotRunnable(f"The file {row} is not at Meta for this number any more and not stored here.")
