"""The message of a campaign for each person: compiled once from the template and the mappings, then filled row by row."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django_meta_whatsapp.cloud_api.calls import JSON
from django_meta_whatsapp.cloud_api.content.templates import Template
from django_meta_whatsapp.cloud_api.template_texts import Text
from django_meta_whatsapp.services.campaigns.personalise.slots import (
    Fill,
    Slot,
    Upload,
    Uploaded,
    filler,
    slots_in,
    uploads_in,
)

_MOST_LAYOUTS = 100


class Filled(NamedTuple):
    """What a person's fields come to.

    values: by the slots' keys, what goes into the recipient's row; missing: the keys of those that the person lacks;
    faults: what is wrong with the others, a sentence each. The person can be sent to when both are empty.
    """

    values: dict[str, Any]
    missing: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One component. template: JSON with slots; build: makes the component of it, filled, and raises InvalidMessage.

    cards: of a carousel, which has parts for each card in place of a template; its `build` takes their components.
    is_timed: `build` goes by the clock, so that what is the same for everybody is built anew all the same.
    """

    template: Any
    build: Callable[[Any], JSON]
    cards: tuple[tuple["Part", ...], ...] = ()
    is_timed: bool = False

    def each(self) -> Iterator["Part"]:
        """This part and those of its cards."""
        yield self
        yield from (part for card in self.cards for part in card)

    def slots(self) -> Iterator[Slot]:
        """Everything in this part that is written for each person."""
        return (slot for part in self.each() for slot in slots_in(part.template))

    def uploads(self) -> Iterator[Upload]:
        """The files in this part that must be at Meta."""
        return (upload for part in self.each() for upload in uploads_in(part.template))


@dataclass(frozen=True, slots=True)
class Limit:
    """A text of the template whose length, variables filled in, Meta limits. told: as people are told of it."""

    told: str
    text: Text
    longest: int


@dataclass(slots=True)
class Personaliser:
    """Fills a template for one person after the other. Not shared between threads.

    unused: keys of the mappings that fill nothing; uploads: the files that must be at Meta first, see `bound`.
    """

    name: str
    language: str
    parts: tuple[Part, ...]
    shown: Text
    limits: tuple[Limit, ...] = ()
    unused: tuple[str, ...] = ()
    files: Mapping[str, Uploaded] = field(default_factory=dict)
    _slots: tuple[Slot, ...] = ()
    _measures: tuple[tuple[Limit, Callable[[Mapping[str, Any]], int]], ...] = ()
    _layouts: dict[tuple[str, ...], list[tuple[Slot, str | None]]] = field(default_factory=dict)
    _same_for_all: frozenset[int] = frozenset()
    _fillers: dict[int, Fill] = field(default_factory=dict)
    _built: dict[int, JSON] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._slots = tuple({slot.key: slot for part in self.parts for slot in part.slots()}.values())
        self._measures = tuple((limit, limit.text.measure()) for limit in self.limits)
        every = [each for part in self.parts for each in part.each()]
        self._fillers = {id(part): filler(part.template) for part in every}
        self._same_for_all = frozenset(id(part) for part in every if not any(part.slots()))

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Everything that is written for each person, in the order of the template."""
        return self._slots

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of a person that are needed, each once, in lower case."""
        return tuple(dict.fromkeys(slot.value.field for slot in self._slots if slot.value.field))

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """The files that must be at Meta before the first message."""
        return tuple(upload for part in self.parts for upload in part.uploads())

    def bound(self, files: Mapping[str, Uploaded]) -> "Personaliser":
        """The same with its files at Meta. files: by the uploads' keys."""
        return Personaliser(self.name, self.language, self.parts, self.shown, self.limits, self.unused, files)

    def fill(self, person: Mapping[str, Any]) -> Filled:
        """The values of somebody with these fields, whose names are compared without case."""
        values: dict[str, Any] = {}
        missing: list[str] = []
        faults: list[str] = []
        for slot, name in self._layout(person):
            try:
                value = slot.value.take(None if name is None else person[name], slot.fit)
            except ValueError as error:
                faults.append(f"{slot.told}: {error}")
                continue
            if value is None:
                missing.append(slot.key)
            else:
                values[slot.key] = value
        if missing or faults:
            return Filled(values, tuple(missing), tuple(faults))
        for limit, measure in self._measures:
            if (length := measure(values)) > limit.longest:
                faults.append(f"{limit.told}: has {length} characters, at most {limit.longest} are allowed")
        return Filled(values, (), tuple(faults)) if faults else Filled(values)

    def content(self, values: Mapping[str, Any]) -> Template:
        """The message for somebody with these values. Raises InvalidMessage for one that Meta would refuse."""
        return Template(self.name, self.language, [self._component(part, values) for part in self.parts])

    def text(self, values: Mapping[str, Any]) -> str:
        """What the person reads: header, body, footer and buttons, line by line."""
        return self.shown.of(values) or self.name

    def check(self) -> None:
        """Raises InvalidMessage for a part that is the same for everybody and that Meta would refuse."""
        for part in (inner for outer in self.parts for inner in outer.each()):
            if id(part) in self._same_for_all and not any(part.uploads()):
                self._component(part, {})

    def _component(self, part: Part, values: Mapping[str, Any]) -> JSON:
        known = self._built.get(id(part))
        if known is not None:
            return known
        if part.cards:
            built = part.build([[self._component(each, values) for each in card] for card in part.cards])
        else:
            built = part.build(self._fillers[id(part)](values, self.files))
        if id(part) in self._same_for_all and not part.is_timed:
            self._built[id(part)] = built
        return built

    def _layout(self, person: Mapping[str, Any]) -> Sequence[tuple[Slot, str | None]]:
        """Each slot with the person's own name of its field. Everybody of an audience has the same names."""
        names = tuple(person)
        layout = self._layouts.get(names)
        if layout is None:
            lowered = {str(name).lower(): name for name in names}
            layout = [
                (slot, lowered.get(slot.value.field) if slot.value.field else None) for slot in self._slots
            ]
            if len(self._layouts) >= _MOST_LAYOUTS:
                self._layouts.clear()
            self._layouts[names] = layout
        return layout
