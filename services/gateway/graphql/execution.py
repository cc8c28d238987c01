"""Executes a query: all its fields at the same time, each with its own errors."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from graphql import GraphQLError
from pydantic_core import from_json, to_json

from services.gateway.dialects.dialect import Dialect
from services.gateway.graphql.prepared import (
    PreparedQueries,
    QueryRefusedError,
    RootField,
    check_size,
)
from services.gateway.graphql.resolvers import RESOLVERS, QuerySender
from shared.contracts.errors import DomainError, invalid


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """The body of a request."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None

    @classmethod
    def parse(cls, body: bytes) -> "GraphQLRequest":
        """Return the request of a JSON body; unknown members are ignored. Raises DomainError."""
        try:
            members = from_json(body or b"null")
        except ValueError as error:
            raise invalid(f"The body is not valid JSON: {error}.") from None
        if not isinstance(members, dict) or not isinstance(members.get("query"), str):
            raise invalid(
                "The body must be a JSON object whose member 'query' is a string with a GraphQL query. "
                "Batches of queries are not supported."
            )
        variables, name = members.get("variables"), members.get("operationName")
        if not isinstance(variables, dict | None):
            raise invalid("The member 'variables' must be an object.")
        if not isinstance(name, str | None):
            raise invalid("The member 'operationName' must be a string.")
        return cls(members["query"], variables or {}, name)


async def execute(
    asked: GraphQLRequest, prepared: PreparedQueries, sender: QuerySender, dialect: Dialect
) -> bytes:
    """Return the answer's JSON. Raises DomainError for an error that, as in REST, answers the whole request."""
    try:
        query = await prepared.get(asked.query)
        operation = query.operation(asked.operation_name)
        check_size(asked.variables)
        variables = operation.coerce(asked.variables)
    except QueryRefusedError as refused:
        return _answer(None, refused.messages)
    errors: list[str] = []
    values = await asyncio.gather(
        *(_resolve(each, variables, sender, dialect, errors) for each in operation.fields)
    )
    data = {field.key: value for field, value in zip(operation.fields, values, strict=True)}
    return await sender.in_thread_if_large(_answer, data, errors)


def _answer(data: Mapping[str, Any] | None, errors: Sequence[str]) -> bytes:
    return to_json({"data": data, "errors": errors or None})


async def _resolve(
    field: RootField, variables: Any, sender: QuerySender, dialect: Dialect, errors: list[str]
) -> Any:
    """Return the value of one field of the operation. Append an error that has no place in the value to ``errors``.

    MLflow's schema has a place for an error of its API, ``apiError``, which its UI reads. MLflow's server leaves it
    null and reports all errors as texts, so the UI can't tell a missing run from a broken server.
    """
    projection = field.projection
    if projection is None:
        return field.type_name
    try:
        reply = await RESOLVERS[field.name](sender, field.input(variables), projection)
        return await sender.in_thread_if_large(projection, reply)
    except GraphQLError as error:
        errors.append(error.message)
    except DomainError as error:
        refused = _code_and_message(error, dialect)
        if value := projection.of_error({"api_error": ""} | refused):
            return value
        errors.append(refused["message"])
    return None


def _code_and_message(error: DomainError, dialect: Dialect) -> dict[str, str]:
    """Return the two fields of an error that every dialect's body has.

    Raises the error again if it answers the whole request: the caller must sign in, or the server can't answer now.
    Clients know from the status whether to try again, and metrics count it.
    """
    refusal = dialect.refuse(error)
    status = refusal.status
    if (
        status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS)
        or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    ):
        raise error
    body = from_json(refusal.body)
    return {"code": body["error_code"], "message": body["message"]}
