"""The host's settings. CHAOS is a JSON object: `{"database": {…}, "whatsapp": {…}, "broker": url or "", "media": folder}`."""

import json
import os

from tests.settings import *  # noqa: F403
from tests.settings import WHATSAPP as _SIMULATED

_given = json.loads(os.environ["CHAOS"])

DATABASES = {"default": _given["database"]}
WHATSAPP = {**_SIMULATED, **_given["whatsapp"]}
WHATSAPP_USE_CELERY = bool(_given["broker"])
BROKER = _given["broker"]
MEDIA_ROOT = _given["media"]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"timed": {"format": "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "timed"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
