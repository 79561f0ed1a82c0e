"""The endpoints, one module each. A module registers its handlers with ``@route`` when it is imported."""

import importlib
import pkgutil


def load() -> None:
    """Import every module of this package, so that their routes are registered."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
