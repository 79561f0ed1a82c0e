"""The host's Celery application, with the beat entry that our documentation asks for."""

from celery import Celery
from django.conf import settings

app = Celery("chaos", broker=settings.BROKER)
app.conf.broker_connection_retry_on_startup = True
app.conf.worker_hijack_root_logger = False
app.conf.beat_schedule = {"whatsapp": {"task": "django_meta_whatsapp.tick", "schedule": 1.0}}
app.autodiscover_tasks(["django_meta_whatsapp"])
