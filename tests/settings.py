"""Settings for the tests. WHATSAPP_TEST_DATABASE picks sqlite (default), postgres or mariadb."""

import os
import tempfile
from pathlib import Path
from typing import Any

SECRET_KEY = "tests-only-secret-key-of-a-decent-length-0123456789"
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "Asia/Kolkata"  # not UTC on purpose: a naive conversion shows up as a wrong time
ROOT_URLCONF = "tests.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
MEDIA_ROOT = str(Path(tempfile.gettempdir()) / f"whatsapp-test-media-{os.getpid()}")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_meta_whatsapp",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

_NAME = os.environ.get("WHATSAPP_TEST_NAME", "whatsapp")
_DATABASES: dict[str, dict[str, Any]] = {
    "sqlite": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
        # A file, so that threads and other processes of a test see the same rows.
        "TEST": {"NAME": str(Path(tempfile.gettempdir()) / f"{_NAME}-{os.getpid()}.sqlite3")},
        # Tests kill processes, not machines: nothing need wait for the disk.
        "OPTIONS": {"timeout": 20, "init_command": "PRAGMA synchronous=OFF"},
    },
    "postgres": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "HOST": os.environ.get("PGHOST", "127.0.0.1"),
        "USER": os.environ.get("PGUSER", "root"),
        "PASSWORD": os.environ.get("PGPASSWORD", ""),
        "OPTIONS": {"options": "-c synchronous_commit=off"},
        "TEST": {"NAME": f"test_{_NAME}"},
    },
    "mariadb": {
        "ENGINE": "django.db.backends.mysql",
        "NAME": "test",
        "HOST": os.environ.get("MYSQL_HOST", "127.0.0.1"),
        "USER": os.environ.get("MYSQL_USER", "root"),
        "PASSWORD": os.environ.get("MYSQL_PASSWORD", ""),
        "OPTIONS": {"charset": "utf8mb4"},
        "TEST": {"NAME": f"test_{_NAME}", "CHARSET": "utf8mb4"},
    },
}
DATABASES = {"default": _DATABASES[os.environ.get("WHATSAPP_TEST_DATABASE", "sqlite")]}

# The simulator's default world; tests point GRAPH_BASE_URL at their own server.
WHATSAPP: dict[str, Any] = {
    "ACCESS_TOKEN": "simulator-token",
    "PHONE_NUMBER_ID": "222000222000222",
    "WABA_ID": "111000111000111",
    "APP_SECRET": "simulator-app-secret",
    "VERIFY_TOKEN": "tests-verify-token",
    "GRAPH_BASE_URL": "http://127.0.0.1:9",
    "FETCH_INBOUND_MEDIA": False,  # most files of the tests are nowhere; those about files switch it on
}
