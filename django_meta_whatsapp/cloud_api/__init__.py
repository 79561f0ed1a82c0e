"""Meta's WhatsApp Cloud API in plain Python: no Django, no settings, no clock."""
