"""Finds what a campaign's `parameter_mappings` say of each part of the template."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django_meta_whatsapp.cloud_api.template_variables import ButtonVariable
from django_meta_whatsapp.errors import CampaignNotRunnable
from django_meta_whatsapp.services.campaigns.personalise.slots import Slot
from django_meta_whatsapp.services.campaigns.personalise.values import Fit, Value, is_declared

CARDS = "cards"
"""The key of the mappings of a carousel's cards: a list with an object for each, of the same form."""
_DEEPEST = 8
_CONSTANTS = ("value", "default")
_MOST_KEYS = 500


def fields_named(mappings: object) -> list[str]:
    """The fields that a campaign's mappings name, as they are spelt, each once."""
    if not isinstance(mappings, Mapping):
        return []
    found = [value.strip() for value in mappings.values() if isinstance(value, str) and value.strip()]
    cards = mappings.get(CARDS)
    for card in cards if isinstance(cards, list) else ():
        found += fields_named(card)
    return list(dict.fromkeys([*found, *_declared(mappings, 0)]))


def _declared(value: object, depth: int) -> Iterator[str]:
    if depth > 2 * _DEEPEST:
        return
    if isinstance(value, Mapping):
        name = value.get("field")
        if isinstance(name, str) and name.strip():
            yield name.strip()
        for key, inner in value.items():
            if key not in _CONSTANTS:
                yield from _declared(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _declared(inner, depth + 1)


@dataclass
class Mappings:
    """What was mapped for a template, or for one card of it.

    plain: the body's variables, which a header or a button may not take for themselves; prefix: of the keys in recipients'
    rows; language: the template's; used: keys that filled something.
    """

    mapped: Mapping[str, Any]
    plain: tuple[str, ...]
    language: str
    prefix: str = ""
    used: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, mappings: object, plain: tuple[str, ...], language: str, prefix: str = "") -> "Mappings":
        """Raises CampaignNotRunnable for what is no object."""
        if not isinstance(mappings, Mapping):
            raise CampaignNotRunnable("The campaign's parameters must be an object: variable to field.")
        if len(mappings) > _MOST_KEYS:
            raise CampaignNotRunnable(f"The campaign has more than {_MOST_KEYS} parameters.")
        spelt = {str(key).strip().replace(".", "_"): value for key, value in mappings.items()}
        return cls(spelt, plain, language, prefix)

    def find(self, *keys: str) -> Any:
        """What the first of `keys` that is there maps to; None without one, or for an empty text."""
        key = next((key for key in keys if key in self.mapped), None)
        if key is None:
            return None
        self.used.add(key)
        found = self.mapped[key]
        return None if isinstance(found, str) and not found.strip() else found

    def header(self, name: str, fit: Fit) -> Slot:
        """The slot of the header's variable."""
        return self._needed(
            (f"header_{name}", "header", *self._left_over(name)), f"header variable {{{{{name}}}}}", fit
        )

    def body(self, name: str, fit: Fit) -> Slot:
        """The slot of a variable of the body."""
        return self._needed((name, f"body_{name}"), f"variable {{{{{name}}}}}", fit)

    def button(self, button: ButtonVariable, fit: Fit) -> Slot:
        """The slot of a button that needs one text."""
        return self._needed(self._button_keys(button), self.button_told(button), fit)

    def of_button(self, button: ButtonVariable) -> Any:
        """What is mapped for a button, of any shape; None for nothing."""
        return self.find(*self._button_keys(button))

    def button_told(self, button: ButtonVariable) -> str:
        """How people are told of a button."""
        return self.told(f"button at place {button.index}")

    def told(self, part: str) -> str:
        """How people are told of a part."""
        card = self.prefix.removeprefix("card_").removesuffix("_")
        return f"{part} of card {card}" if card else part

    def unfilled(self, key: str, told: str, hint: str = "with a field's name") -> CampaignNotRunnable:
        """The error for a part that nothing fills."""
        return CampaignNotRunnable(
            f"The template's {told} is not filled: add \"{key}\" to the campaign's parameters, {hint}."
        )

    def slot(self, key: str, told: str, declared: Any, fit: Fit) -> Slot:
        """A slot for what is declared. Raises CampaignNotRunnable, naming the part, for a declaration that is wrong."""
        try:
            value = Value.declared(declared, self.language)
            if not value.field and value.take(None, fit) is None:
                raise ValueError('"value" must not be empty')
            if value.default is not None and fit(value.default) is None:
                raise ValueError('"default" must not be empty')
        except ValueError as error:
            raise CampaignNotRunnable(f"The template's {told}: {error}.") from error
        return Slot(f"{self.prefix}{key}", told, value, fit)

    def leaf(self, key: str, told: str, declared: Any, fit: Fit) -> Any:
        """A slot, or what is the same for everybody."""
        slot = self.slot(key, told, declared, fit)
        return slot if slot.value.field else slot.value.take(None, fit)

    def template(
        self, key: str, told: str, given: Any, fits: Mapping[str, Fit], otherwise: Fit, depth: int = 0
    ) -> Any:
        """An object of the mappings with slots in place of what is declared.

        fits: by the name that a value has in its object; `otherwise` for the other names.
        """
        if depth > _DEEPEST:
            raise CampaignNotRunnable(f"The template's {told} is nested too deeply.")
        if is_declared(given):
            return self.leaf(key, told, given, fits.get(key.rpartition(".")[2], otherwise))
        if isinstance(given, Mapping):
            return {
                str(name): self.template(
                    f"{key}.{name}", f"{told}, {name}", value, fits, otherwise, depth + 1
                )
                for name, value in given.items()
            }
        if isinstance(given, list):
            return [
                self.template(f"{key}.{number}", told, value, fits, otherwise, depth + 1)
                for number, value in enumerate(given)
            ]
        return given

    def _needed(self, keys: tuple[str, ...], told: str, fit: Fit) -> Slot:
        told = self.told(told)
        declared = self.find(*keys)
        if declared is None or not isinstance(declared, str | Mapping):
            raise self.unfilled(keys[0], told)
        return self.slot(keys[0], told, declared, fit)

    def _left_over(self, name: str) -> tuple[str, ...]:
        return (name,) if name and name not in self.plain else ()

    def _button_keys(self, button: ButtonVariable) -> tuple[str, ...]:
        key = f"button_{button.index}"
        return (key, f"{key}_{button.name}", *self._left_over(button.name))
