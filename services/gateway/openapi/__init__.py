"""The OpenAPI description, generated from the endpoints and the contracts."""
