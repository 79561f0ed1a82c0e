"""What a subcommand of `manage.py whatsapp_webhooks` is made of."""

from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand


def no_arguments(parser: ArgumentParser) -> None:
    """For subcommands that take none."""


@dataclass(frozen=True, slots=True)
class Subcommand:
    """run(command, options) does it, and writes to `command.stdout`; the errors of the product become a CommandError.

    arguments: adds options to its parser.
    """

    name: str
    about: str
    run: Callable[[BaseCommand, dict[str, Any]], None]
    arguments: Callable[[ArgumentParser], None] = no_arguments
