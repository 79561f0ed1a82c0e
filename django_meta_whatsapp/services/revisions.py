"""Messages that their authors edit or take back.

Each edit is a row of its own; the message it is about shows the newest. What it said at first stays in `raw_payload`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django_meta_whatsapp.cloud_api.events import REVISIONS
from django_meta_whatsapp.cloud_api.events.reading import mapping
from django_meta_whatsapp.cloud_api.summaries import describe
from django_meta_whatsapp.models import WhatsAppAccount, WhatsAppMessage
from django_meta_whatsapp.models.bulk.claims import locked
from django_meta_whatsapp.models.bulk.rows import overwrite


def apply(account: WhatsAppAccount, stored: Sequence[WhatsAppMessage]) -> None:
    """Applies the edits among messages that were just stored, and those that came before what they are about.

    Two statements, and two more when there is something to change, in the caller's transaction, which holds the threads.
    """
    originals = {str(row.message_id): row for row in stored if row.message_type not in REVISIONS}
    named = {row.context_message_id for row in stored if row.message_type in REVISIONS}
    originals |= _read(account, named - originals.keys() - {""})
    by_original: dict[str, list[WhatsAppMessage]] = {}
    for revision in _revisions(account, originals, stored):
        original = originals[revision.context_message_id]
        same_thread = revision.conversation_id == original.conversation_id
        if same_thread and revision.direction == original.direction:
            by_original.setdefault(revision.context_message_id, []).append(revision)
    if not by_original:
        return
    for message_id, revisions in by_original.items():
        _revise(originals[message_id], revisions)
    changed = [originals[message_id] for message_id in by_original]
    overwrite(WhatsAppMessage, changed, ["content", "message_body", "is_deleted"])
    overwrite(WhatsAppMessage, list(_unlinked(originals, by_original)), ["reply_to"])


def _read(account: WhatsAppAccount, message_ids: Collection[str]) -> dict[str, WhatsAppMessage]:
    if not message_ids:
        return {}
    rows = WhatsAppMessage.objects.filter(account=account, message_id__in=message_ids)
    return {str(row.message_id): row for row in locked(rows.exclude(message_type__in=REVISIONS))}


def _revisions(
    account: WhatsAppAccount,
    originals: Mapping[str, WhatsAppMessage],
    stored: Iterable[WhatsAppMessage],
) -> list[WhatsAppMessage]:
    """All that were ever made to `originals`, in the order in which they were. The same objects as in `stored`."""
    if not originals:
        return []
    ours = {row.pk: row for row in stored}
    rows = WhatsAppMessage.objects.filter(
        account=account,
        conversation_id__in={row.conversation_id for row in originals.values()},
        # Nothing is edited before it is written: an index leads to the few rows of the thread since.
        timestamp__gte=min(row.timestamp for row in originals.values()),
        message_type__in=REVISIONS,
        context_message_id__in=originals,
    )
    return [ours.get(row.pk, row) for row in rows.order_by("timestamp", "message_id")]


def _revise(original: WhatsAppMessage, revisions: Iterable[WhatsAppMessage]) -> None:
    """What all of them leave, from what was said at first: their order of arrival makes no difference."""
    kind = original.message_type
    content: Any = mapping(original.raw_payload).get(kind, original.content)
    for revision in revisions:
        if revision.message_type == "revoke":
            original.is_deleted = True
            continue
        edited = mapping(mapping(mapping(revision.content).get("message")).get(kind))
        # An edited caption comes without all that has not changed.
        content = {**mapping(content), **edited} if edited else content
    original.content = content
    original.message_body = describe(kind, content)


def _unlinked(
    originals: Mapping[str, WhatsAppMessage], by_original: Mapping[str, Sequence[WhatsAppMessage]]
) -> Iterable[WhatsAppMessage]:
    for message_id, revisions in by_original.items():
        for revision in revisions:
            if revision.reply_to_id is None:
                revision.reply_to = originals[message_id]
                yield revision
