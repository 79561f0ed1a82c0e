"""`whatsapp_worker` of a host whose Celery runs tasks where they are called."""

import django
from celery import Celery
from django.core.management import call_command

if __name__ == "__main__":
    Celery("host", broker="memory://").conf.task_always_eager = True
    django.setup()
    call_command("whatsapp_worker")
