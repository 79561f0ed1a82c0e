"""A small shop that uses django_meta_whatsapp with the simulator instead of Meta.

The last block is all that the product needs; the rest is what `startproject` gives you.
"""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("SHOP_DATA_DIR", BASE_DIR / "var"))

SECRET_KEY = "for-the-example-only-never-use-this-in-production"
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
USE_TZ = True
TIME_ZONE = "Asia/Kolkata"
STATIC_URL = "/static/"
MEDIA_ROOT = DATA_DIR / "media"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_meta_whatsapp",
    "shop",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA_DIR / "shop.sqlite3",
        # Writers wait for each other instead of failing, readers are never blocked.
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL;",
        },
    }
}

WHATSAPP = {
    "GRAPH_BASE_URL": os.environ.get("WHATSAPP_GRAPH_BASE_URL", "http://127.0.0.1:8025"),
    "ACCESS_TOKEN": os.environ.get("WHATSAPP_ACCESS_TOKEN", "simulator-token"),
    "PHONE_NUMBER_ID": os.environ.get("WHATSAPP_PHONE_NUMBER_ID", "222000222000222"),
    "WABA_ID": os.environ.get("WHATSAPP_WABA_ID", "111000111000111"),
    "APP_SECRET": os.environ.get("WHATSAPP_APP_SECRET", "simulator-app-secret"),
    "VERIFY_TOKEN": os.environ.get("WHATSAPP_VERIFY_TOKEN", "example-verify-token"),
}
