"""The webhook address that Meta calls: a plain view for any server.

It only decides whether a request is Meta's and keeps it. Whatever goes wrong later, goes wrong with the row in the journal.
"""

from django.db import transaction
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from django_meta_whatsapp.conf import whatsapp_settings
from django_meta_whatsapp.services import journal, signatures
from django_meta_whatsapp.services.transactions import database
from django_meta_whatsapp.webhooks import answers, handshake


@csrf_exempt
@require_http_methods([*answers.METHODS])
def webhook(request: HttpRequest) -> HttpResponse:
    """Meta's handshake (GET) and its events (POST)."""
    text, status = handshake.answer(request.GET) if request.method == "GET" else _receive(request)
    return HttpResponse(text, status=status, headers=answers.HEADERS)


# A journal row that a rollback can undo is no journal: ATOMIC_REQUESTS must not wrap this view.
webhook = transaction.non_atomic_requests(using=database())(webhook)


def _receive(request: HttpRequest) -> tuple[str, int]:
    """200 once the events are committed to the journal; Meta repeats what gets another answer."""
    limit = whatsapp_settings.WEBHOOK_MAX_BYTES
    try:
        # Read as a stream: request.body refuses what is above DATA_UPLOAD_MAX_MEMORY_SIZE, which is below Meta's limit.
        body = request.read(limit + 1)
    except UnreadablePostError:
        return answers.CUT_SHORT
    if len(body) > limit:
        return answers.TOO_LARGE
    signature = request.headers.get("X-Hub-Signature-256", "")
    signed_for = signatures.judged(body, signature)
    if not signed_for:
        return answers.NOT_GENUINE
    journal.record(journal.received(body, signature, signed_for=signed_for))
    return answers.KEPT
