"""Bodies for any contract, made from its JSON schema, so that a rule can be tried on all of them."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import shared.contracts
from shared.contracts.message import Message

TEXTS = ("1", "abc", "a" * 64, "self", "2030-01-01", "0189aaaa-0000-7000-8000-000000000000")
"""One of them fits every pattern and format of a field."""


def contracts() -> Iterator[type[Message]]:
    """Yield every message that a client or a service may send, but for base classes."""
    for module in pkgutil.iter_modules(shared.contracts.__path__):
        loaded = importlib.import_module(f"shared.contracts.{module.name}")
        for each in vars(loaded).values():
            here = isinstance(each, type) and each.__module__ == loaded.__name__
            if here and issubclass(each, Message) and hasattr(each, "service"):
                yield each


class Schema:
    """The JSON schema of a contract, and bodies that fit it. Fields go by the contract's own names."""

    def __init__(self, contract: type[Message]) -> None:
        self.root = contract.model_json_schema(by_alias=False)
        self._definitions = self.root.get("$defs", {})

    def resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        """Follow references, and of alternatives take the first that is not null."""
        if "$ref" in node:
            return self.resolved(self._definitions[node["$ref"].rpartition("/")[2]])
        for choice in node.get("anyOf", ()):
            if choice.get("type") != "null":
                return self.resolved(choice)
        return node

    def objects(
        self, node: dict[str, Any], wrap: Any = None
    ) -> Iterator[tuple[dict[str, Any], Any]]:
        """Yield each object of a body, with a function that puts a value of it into a whole body."""
        node = self.resolved(node)
        wrap = wrap or (lambda fields: fields)
        yield node, wrap
        inside = self.minimal(node)
        for name, child in node["properties"].items():
            found = self.resolved(child)
            if found.get("type") == "array" and "properties" in self.resolved(found["items"]):
                yield from self.objects(
                    found["items"], lambda each, name=name: wrap({**inside, name: [each]})
                )
            elif "properties" in found:
                yield from self.objects(found, lambda each, name=name: wrap({**inside, name: each}))

    def minimal(self, node: dict[str, Any], name: str = "") -> Any:
        """Return the least value that fits."""
        node = self.resolved(node)
        if "enum" in node or "const" in node:
            return node["const"] if "const" in node else node["enum"][0]
        if "type" not in node:
            return TEXTS[0]  # Any JSON.
        if node["type"] == "object":
            return {
                key: self.minimal(node["properties"][key], key) for key in node.get("required", ())
            }
        if node["type"] == "array":
            return [self.minimal(node["items"])] * node.get("minItems", 0)
        if node["type"] == "string":
            return _text(node)
        return {"integer": 30 if name == "access_level" else 1, "number": 0.5, "boolean": True}[
            node["type"]
        ]


def _text(node: dict[str, Any]) -> str:
    if examples := node.get("examples"):
        example: str = examples[0]
        return example
    formats = {"date": TEXTS[4], "uuid": TEXTS[5]}
    if found := formats.get(node.get("format", "")):
        return found
    return next(text for text in TEXTS if re.search(node.get("pattern", ""), text))
