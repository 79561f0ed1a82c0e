"""The tests' settings in a process of its own: the same database, simulator and broker as the test that started it.

HOST is a JSON object: `{"database": name, "whatsapp": {…}, "celery": bool, "media": folder}`.
"""

import json
import os

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES

_given = json.loads(os.environ["HOST"])

DATABASES["default"]["NAME"] = _given["database"]
WHATSAPP = _given["whatsapp"]
WHATSAPP_USE_CELERY = _given["celery"]
MEDIA_ROOT = _given["media"]
LOGGING = {
    "version": 1,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
