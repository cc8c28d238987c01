"""Codes become statuses in one place."""

import json

import pytest

from services.gateway.dialects.mlflow import MLFLOW
from shared.contracts.errors import DomainError, ErrorCode


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_has_a_status(code):
    refusal = MLFLOW.refuse(DomainError(code, "why"))
    assert 400 <= refusal.status < 600
    assert json.loads(refusal.body) == {"error_code": code, "message": "why"}


@pytest.mark.parametrize("code", ErrorCode)
def test_only_overload_says_when_to_try_again(code):
    refusal = MLFLOW.refuse(DomainError(code, "why"))
    assert ("Retry-After" in refusal.headers) == (refusal.status in {429, 503})


def test_message_with_lone_surrogate_is_still_json():
    refusal = MLFLOW.refuse(DomainError(ErrorCode.BAD_REQUEST, "a\udcff"))
    assert json.loads(refusal.body)["error_code"] == "BAD_REQUEST"
