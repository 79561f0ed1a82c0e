"""A local Meta: the WhatsApp Cloud API in memory, for demos and tests."""
