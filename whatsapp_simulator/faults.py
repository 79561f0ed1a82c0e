"""Failures that the control plane orders: errors, dropped answers, latency, HTML pages, answers without an id."""

import random
from dataclasses import dataclass

KINDS = ("error", "drop", "latency", "html", "no_id")


@dataclass(slots=True)
class Fault:
    """One order. ``count`` of ``None`` means until it is taken back; ``path`` is a part of the path it applies to."""

    kind: str
    path: str = ""
    count: int | None = None
    probability: float = 1.0
    chance: random.Random | None = None
    code: int = 131000
    subcode: int | None = None
    status: int | None = None
    seconds: float = 0.0

    def fires(self, path: str) -> bool:
        """Does it happen to this call? A fault that fires uses up one of its ``count``."""
        if self.count == 0 or self.path not in path:
            return False
        if self.chance is not None and self.chance.random() >= self.probability:
            return False
        if self.count is not None:
            self.count -= 1
        return True


class Faults:
    """The orders that stand."""

    def __init__(self) -> None:
        self._orders: list[Fault] = []

    def __bool__(self) -> bool:
        return bool(self._orders)

    def add(self, fault: Fault) -> None:
        self._orders.append(fault)

    def clear(self) -> None:
        self._orders.clear()

    def take(self, kind: str, path: str) -> Fault | None:
        """The first standing fault of ``kind`` that fires for ``path``; used-up ones are forgotten."""
        for fault in self._orders:
            if fault.kind == kind and fault.fires(path):
                if fault.count == 0:
                    self._orders.remove(fault)
                return fault
        return None
