"""The host's site: the webhook lane in front of Django."""

from django.core.asgi import get_asgi_application

from django_meta_whatsapp.webhooks.asgi import webhook_lane

application = webhook_lane(get_asgi_application())
