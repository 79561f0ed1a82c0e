"""Somebody who may do everything, without the cost of hashing a password for each test."""

import pytest
from django.contrib.auth.models import User
from django.test import Client


@pytest.fixture
def admin_client(db: None, client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client
