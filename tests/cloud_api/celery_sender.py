"""A Celery application that sends when it is loaded, and whose task sends again in a pool child."""

import os

from celery import Celery

from tests.cloud_api.sending import send_both

app = Celery("sender", broker=os.environ["BROKER"])


@app.task(name="send")
def send() -> None:
    send_both()
