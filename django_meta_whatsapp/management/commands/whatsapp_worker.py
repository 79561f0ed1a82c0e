"""`manage.py whatsapp_worker`: background work without a broker, in one process."""

import signal
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from django_meta_whatsapp.management.garbage import collecting_seldom
from django_meta_whatsapp.worker import Worker


class Command(BaseCommand):
    help = (
        "Apply webhooks that are due again, run scheduled and interrupted campaigns, and end what dead processes left. "
        "Ends on SIGTERM or SIGINT, after the calls that are under way."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        worker = Worker()

        def stop(number: int, frame: FrameType | None) -> None:
            worker.stop()

        former = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        self.stdout.write("The worker is running.")
        self.stdout.flush()
        try:
            with collecting_seldom():
                worker.run()
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)
        self.stdout.write("The worker has stopped.")
