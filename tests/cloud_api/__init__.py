"""Tests of `cloud_api`."""
