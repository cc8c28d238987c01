"""Pages of label schemas, review queues and their items: newest first, then by id."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from shared.contracts.errors import invalid
from shared.contracts.message import INT64_MAX
from shared.contracts.validation import API_DOCS_HINT
from shared.mlflow.search.page_token import KeyType, Search, decode_token, encode_token

LARGEST = 50_000
"""``SEARCH_MAX_RESULTS_THRESHOLD`` of MLflow."""

_KEY = (KeyType.INTEGER, KeyType.TEXT)

Row = TypeVar("Row")


class After(NamedTuple):
    """The row after which a page starts: its time, in Unix milliseconds, and its id."""

    time: int
    id: str


START = After(INT64_MAX, "")


class Bounds(NamedTuple):
    """The rows of a page."""

    search: Search
    after: After
    limit: int

    def token(self, time: int, row_id: str) -> str:
        """Return the token of the page after a row."""
        return encode_token(self.search, (time, row_id))


def bounds(search: Search, token: str | None, wanted: int, most: int) -> Bounds:
    """Return the rows of a page of ``wanted``, but at most ``most``. Raises DomainError for a wrong token or size."""
    if not 1 <= wanted <= LARGEST:
        message = f"max_results must be between 1 and {LARGEST}. {API_DOCS_HINT}"
        raise invalid(message, "max_results")
    key = decode_token(search, token, _KEY)
    after = START if key is None else After(int(key[0]), str(key[1]))
    return Bounds(search, after, min(wanted, most))


def cut(
    rows: Sequence[Row], page: Bounds, key: Callable[[Row], tuple[int, str]]
) -> tuple[Sequence[Row], str | None]:
    """Return a page of rows, of which there is one more if another page follows, and that page's token."""
    if len(rows) <= page.limit:
        return rows, None
    return rows[: page.limit], page.token(*key(rows[page.limit - 1]))
