"""WhatsApp for Django: Meta's Cloud API, durable webhooks, campaigns."""
