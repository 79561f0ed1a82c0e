"""What a subcommand of `manage.py whatsapp_campaign` is made of."""

import getpass
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand


def no_arguments(parser: ArgumentParser) -> None:
    """For subcommands that take the campaign alone."""


@dataclass(frozen=True, slots=True)
class Subcommand:
    """run(command, campaign_id, options) does it, and writes to `command.stdout`; the errors of the product and a campaign that
    does not exist become a CommandError. arguments: adds options to its parser, which has the campaign's id already.
    """

    name: str
    about: str
    run: Callable[[BaseCommand, int, dict[str, Any]], None]
    arguments: Callable[[ArgumentParser], None] = no_arguments


def operator() -> str:
    """Who types: the name of the user on this machine, for the campaign's history."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in many containers
        return "manage.py"
