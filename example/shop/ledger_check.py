"""Do the simulator's ledger and our tables tell the same story, person by person?"""

from django_meta_whatsapp.models import AttemptState, WhatsAppCampaign, WhatsAppSendAttempt
from whatsapp_simulator.control import Control


def disagreements(control: Control, campaign: WhatsAppCampaign) -> list[str]:
    """One sentence for each person about whom the two differ; empty when they agree."""
    accepted = {message["callback_data"]: message for message in control.messages()}
    ours = {
        attempt.token: attempt
        for attempt in WhatsAppSendAttempt.objects.filter(recipient__campaign=campaign).select_related(
            "recipient"
        )
    }
    found = [
        f"{accepted[token]['wa_id']}: messaged, but not by us" for token in accepted.keys() - ours.keys()
    ]
    people: set[str] = set()
    for token, attempt in ours.items():
        recipient = attempt.recipient
        if recipient is None or token not in accepted:
            if attempt.state == AttemptState.ACCEPTED:
                found.append(f"{recipient}: we say accepted, the ledger has no such message")
            continue
        message = accepted[token]
        if message["wa_id"] in people:
            found.append(f"{message['wa_id']}: messaged twice")
        people.add(message["wa_id"])
        theirs = (
            message["wamid"],
            message["wa_id"],
            message["statuses"][-1] if message["statuses"] else "accepted",
        )
        mine = (attempt.message_id, recipient.phone_number, recipient.status)
        if theirs != mine:
            found.append(f"{message['wa_id']}: the ledger says {theirs}, our tables {mine}")
    return found


def lost_answers(control: Control) -> set[str]:
    """The tokens of the messages whose answer the simulator dropped after accepting them."""
    return {message["callback_data"] for message in control.messages() if message["answer_dropped"]}
