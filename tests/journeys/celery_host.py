"""The Celery application of a host project."""

import os

from celery import Celery

app = Celery("host", broker=os.environ["BROKER"])
app.conf.task_default_queue = os.environ["QUEUE"]
app.conf.broker_connection_retry_on_startup = True
app.conf.worker_prefetch_multiplier = 1  # a busy worker holds back no task that an idle one could do
app.autodiscover_tasks(["django_meta_whatsapp"])
