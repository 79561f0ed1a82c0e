"""Every hook of the product. All are sent after the rows are committed.

Receivers of public signals get an `event_id`, the same for each delivery of one event: a signal comes at least once.
"""

from django.dispatch import Signal

# message: WhatsAppMessage, the inbound message; event_id: str
whatsapp_message_received = Signal()

# message: WhatsAppMessage, outbound and accepted by Meta, or written in the business app; event_id: str
whatsapp_message_sent = Signal()

# message: WhatsAppMessage; status: str, the state that the message climbed to; event_id: str
whatsapp_message_status_changed = Signal()

# campaign: WhatsAppCampaign, whose first message may go now; event_id: str
whatsapp_campaign_started = Signal()

# campaign: WhatsAppCampaign; sent: int, accepted by Meta; failed: int; event_id: str
whatsapp_campaign_completed = Signal()

# campaign: WhatsAppCampaign; reason: str, why it stopped; cause: str, one of PauseCause; event_id: str
whatsapp_campaign_paused = Signal()

# campaign: WhatsAppCampaign; reason: str, why it goes on; event_id: str
whatsapp_campaign_resumed = Signal()

# campaign: WhatsAppCampaign; reason: str, what was given as one; event_id: str
whatsapp_campaign_cancelled = Signal()

# campaign: WhatsAppCampaign; reason: str, everything rejected, or no audience; event_id: str
whatsapp_campaign_failed = Signal()

# contact: WhatsAppContact; signup: WhatsAppSignup; event_id: str
whatsapp_user_subscribed = Signal()

# contact: WhatsAppContact; opted_out: bool; event_id: str
whatsapp_preference_changed = Signal()

# template: WhatsAppTemplate; status: str, as Meta names it; event_id: str
whatsapp_template_status_changed = Signal()

# response: WhatsAppFlowResponse; event_id: str
whatsapp_flow_completed = Signal()

# event: Event of cloud_api.events, whose class is the sender, of all that has no signal of its own;
# account: WhatsAppAccount, or None for what concerns a whole business account; event_id: str
whatsapp_event_received = Signal()

# Internal. kind: str, the work that a committed row is due for; key: int, the row, or None for several.
# Only the clock listens.
work_due = Signal()

# Internal. account_id: int; message_ids: Collection[str], Meta's ids of outbound messages that have just got a row, or their id.
# Sent after the commit, for statuses that came before.
messages_known = Signal()
