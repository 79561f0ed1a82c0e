"""A host with the lane in front, as a server process serves it; its database comes from JOURNEY_DATABASE (JSON)."""

import json
import os

from django.conf import settings
from django.core.asgi import get_asgi_application

from django_meta_whatsapp.webhooks.asgi import webhook_lane

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
settings.DATABASES = {"default": json.loads(os.environ["JOURNEY_DATABASE"])}
settings.WHATSAPP = {**settings.WHATSAPP, "WEBHOOK_INLINE": False}
application = webhook_lane(get_asgi_application())
