"""The endpoint: what the table of each API says about a method and path.

The tables are ``mlflow/endpoints.py``, ``gitlab/endpoints.py`` and ``gitlab/workspaces.py``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from services.gateway.auth.permissions import READ_SCOPES, WRITE_SCOPES
from shared.contracts import limits
from shared.contracts.message import Message, Wire


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint.

    ``methods`` are separated by spaces. ``path`` follows each of ``prefixes``. It may have variable parts, as in
    ``logged-models/{model_id}``: they become fields of the contract, percent-decoded. ``reply`` describes the
    answer: ``bool`` stands for ``true``, None for no body, and the reply of a ``Paged`` contract is one of the
    list's items. ``max_bytes`` is the largest body; the gateway's settings may allow less.
    """

    methods: str
    path: str
    contract: type[Message]
    reply: type[Wire] | type[bool] | None
    max_bytes: int = limits.BODY
    prefixes: tuple[str, ...] = ("",)
    status: int = 200

    owner: Literal["", "run", "model", "run or model"] = ""
    """The kind of entity that owns the request's artifacts. The gateway looks up the run or model that the request
    names, and adds its ``artifact_uri``."""

    implied_fields: Mapping[str, object] = field(default_factory=dict)
    """Fields of the contract that follow from the path without a variable part."""

    in_parts: bool = False
    """The service may answer in parts (``shared/mlflow/parts.py``), which leave as one answer."""

    issues: Literal["", "token", "rotated token"] = ""
    """The gateway generates a token and adds its text to the answer. The services get its digest only."""

    extra_scopes: frozenset[str] = frozenset()
    """Scopes that are enough besides ``api`` and, for reads, ``read_api``."""

    allow_revoked: bool = False
    """A revoked token may call it: the service then revokes the token's successors."""

    anonymous: Literal["never", "in open mode", "always"] = "never"
    """When a caller without a token may call it. Such a caller sees what is public; in open mode, the root project."""

    @property
    def routes(self) -> Iterator[tuple[str, str]]:
        """The method and path of each route."""
        for prefix in self.prefixes:
            for method in self.methods.split():
                yield method, prefix + self.path

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes of which the caller's token needs one, if the endpoint belongs to no project."""
        return self.extra_scopes | (WRITE_SCOPES if self.contract.changes else READ_SCOPES)
