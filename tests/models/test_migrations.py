"""The migrations are complete, and go both ways."""

import pytest
from django.core.management import call_command
from django.db import connection

APP = "django_meta_whatsapp"


def tables() -> set[str]:
    return {name for name in connection.introspection.table_names() if name.startswith(APP)}


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", APP, check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db(transaction=True)
def test_migrations_go_back_to_nothing_and_forward_again() -> None:
    before = tables()
    assert len(before) > 16
    try:
        call_command("migrate", APP, "zero", verbosity=0)
        assert tables() == set()
    finally:
        call_command("migrate", APP, verbosity=0)
    assert tables() == before
