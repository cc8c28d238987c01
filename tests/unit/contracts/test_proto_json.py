"""The rules of proto-JSON that hold for every field of every contract."""

import json

import pytest

from shared.contracts.errors import DomainError
from shared.contracts.message import Message
from shared.contracts.metrics import LogMetric
from shared.contracts.runs import LogBatch
from tests.unit.contracts.samples import Schema, contracts

EVERY = pytest.mark.parametrize("contract", list(contracts()), ids=lambda each: each.__name__)


def read(contract: type[Message], body: object) -> Message:
    return contract.parse(json.dumps(body).encode())


def refusal(contract: type[Message], body: object) -> str:
    with pytest.raises(DomainError) as caught:
        read(contract, body)
    return caught.value.message


def test_every_service_has_contracts_here():
    found = list(contracts())
    assert len(found) > 100
    services = {"access", "artifacts", "registry", "tracking", "traces"}
    assert {each.service for each in found} == services


@EVERY
def test_null_means_unset_for_every_optional_field(contract):
    schema = Schema(contract)
    for node, wrap in schema.objects(schema.root):
        least = schema.minimal(node)
        for name in node["properties"].keys() - set(node.get("required", ())):
            assert read(contract, wrap({**least, name: None})) == read(contract, wrap(least)), name


@EVERY
def test_null_leaves_a_required_field_missing(contract):
    schema = Schema(contract)
    for node, wrap in schema.objects(schema.root):
        for name in node.get("required", ()):
            message = refusal(contract, wrap({**schema.minimal(node), name: None}))
            assert message.startswith("Missing value for required parameter"), name
            assert f"{name}'" in message


@EVERY
def test_no_element_of_a_list_may_be_null(contract):
    schema = Schema(contract)
    for node, wrap in schema.objects(schema.root):
        for name, child in node["properties"].items():
            if schema.resolved(child).get("type") == "array":
                assert f"{name}[0]" in refusal(
                    contract, wrap({**schema.minimal(node), name: [None]})
                )


def integers(contract):
    """Yield a name, a number that fits, and a function that puts a value there into a body."""
    schema = Schema(contract)
    for node, wrap in schema.objects(schema.root):
        least = schema.minimal(node)
        for name, child in node["properties"].items():
            if schema.resolved(child).get("type") == "integer":

                def body(value, name=name, least=least, wrap=wrap):
                    return wrap({**least, name: value})

                yield name, next(n for n in (100_000, 1000, 30) if fits(contract, body(n))), body


def fits(contract: type[Message], body: object) -> bool:
    try:
        read(contract, body)
    except DomainError:
        return False
    return True


@EVERY
def test_integers_may_have_an_exponent_quoted_or_not(contract):
    for name, number, body in integers(contract):
        expected = read(contract, body(number))
        # What R's as.character() makes of 100000 and 1000, and other ways to write them.
        mantissa, zeros = str(number).rstrip("0"), len(str(number)) - len(str(number).rstrip("0"))
        for text in (f"{mantissa}e+0{zeros}", f"{mantissa}E{zeros}", f"{number}.0", f"{number}"):
            assert read(contract, body(text)) == expected, (name, text)
        assert read(contract, body(float(number))) == expected, name


@EVERY
def test_the_fraction_of_a_number_is_dropped(contract):
    for name, number, body in integers(contract):
        assert read(contract, body(number + 0.75)) == read(contract, body(number)), name


@EVERY
def test_what_is_no_integer_is_refused(contract):
    for name, _, body in integers(contract):
        for wrong in (
            "1.5",
            "1e-1",
            "1e400",
            "1e999999999",
            "NaN",
            "Infinity",
            "",
            "x",
            True,
            [],
            {},
        ):
            assert name in refusal(contract, body(wrong)), (name, wrong)
        for digits in (30, 90, 110, 5000):
            assert name in refusal(contract, body("9" * digits))
            assert name in refusal(contract, body("9" * digits + "e0"))


@pytest.mark.parametrize("sent", ["9.223372036854775807e18", "9223372036854775807"])
def test_integers_are_exact_up_to_the_last(sent):
    body = {"run_id": "r", "key": "k", "value": 1, "timestamp": sent}
    metric = read(LogMetric, body)
    assert isinstance(metric, LogMetric)
    assert metric.timestamp == 2**63 - 1
    assert "timestamp" in refusal(LogMetric, body | {"timestamp": "9.223372036854775808e18"})


R_METRIC = b'{"run_uuid":"r","run_id":"r","key":"k","value":"0.5","timestamp":"1700000000123","step":"1e+05"}'
R_BATCH = (
    b'{"run_id":"r","metrics":[{"key":"a","value":"1e-05","step":"1e+05","timestamp":"1.7e+12"}]}'
)


def test_r_sends_every_number_as_text():
    """What httr sends for the R client's ``rapply(data, as.character, how = "replace")``."""
    logged = LogMetric.parse(R_METRIC)
    assert (logged.value, logged.timestamp, logged.step) == (0.5, 1_700_000_000_123, 100_000)
    (point,) = LogBatch.parse(R_BATCH).metrics
    assert point == {"key": "a", "value": 1e-05, "timestamp": 1_700_000_000_000, "step": 100_000}
