"""Run by a client's Python: print the GraphQL schema of that release's own server."""

from graphql import print_schema
from mlflow.server.graphql.graphql_schema_extensions import schema

print(print_schema(schema.graphql_schema))  # noqa: T201
