"""Where the language departs from MLflow's on purpose, each case with the reason."""

import pytest

from shared.contracts.errors import DomainError
from shared.contracts.limits import FILTER as MAX_LENGTH
from shared.mlflow.search.ast import Comparator, Comparison, Entity
from shared.mlflow.search.grammar import Grammar
from shared.mlflow.search.grammars import (
    EXPERIMENTS,
    LOGGED_MODELS,
    MODEL_VERSIONS,
    REGISTERED_MODELS,
    RUNS,
)
from shared.mlflow.search.order_by import parse_order_by
from shared.mlflow.search.parser import MAX_CLAUSES, parse_filter


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        # MLflow's tokenizer takes these for something else than a name, a number or a keyword.
        ("params.1 = 'x'", Comparison(Entity.PARAM, "1", Comparator.EQ, "x")),
        ("metrics.a = -0.5e+10", Comparison(Entity.METRIC, "a", Comparator.EQ, -5e9)),
        ("tags.a IS  NOT   NULL", Comparison(Entity.TAG, "a", Comparator.IS_NOT_NULL, None)),
        # No column is that large; compared as a double, it is still above all of them.
        (
            "end_time < 99999999999999999999",
            Comparison(Entity.ATTRIBUTE, "end_time", Comparator.LT, 1e20),
        ),
        (
            f"end_time < {'9' * 5000}",
            Comparison(Entity.ATTRIBUTE, "end_time", Comparator.LT, float("inf")),
        ),
    ],
)
def test_more_is_accepted_of_runs(filter_: str, expected: Comparison) -> None:
    assert parse_filter(filter_, RUNS) == (expected,)


def test_keywords_of_experiment_filters_are_case_insensitive_as_those_of_runs() -> None:
    assert parse_filter("name like 'a%'", EXPERIMENTS) == parse_filter(
        "name LIKE 'a%'", EXPERIMENTS
    )


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        # MLflow takes quotes around the name of an attribute for a part of it, in the registry only.
        ("`name` = 'a'", Comparison(Entity.ATTRIBUTE, "name", Comparator.EQ, "a")),
        # MLflow's parser leaves it to its store to turn the text into a number.
        (
            "version_number = '1'",
            Comparison(Entity.ATTRIBUTE, "version_number", Comparator.EQ, 1),
        ),
        (
            "version_number < 99999999999999999999",
            Comparison(Entity.ATTRIBUTE, "version_number", Comparator.LT, 1e20),
        ),
    ],
)
def test_more_is_accepted_of_model_versions(filter_: str, expected: Comparison) -> None:
    assert parse_filter(filter_, MODEL_VERSIONS) == (expected,)


@pytest.mark.parametrize("grammar", [REGISTERED_MODELS, MODEL_VERSIONS])
@pytest.mark.parametrize(
    ("filter_", "message"),
    [
        # MLflow answers these with an internal error.
        ("tags.a IS NULL", "IS NULL / IS NOT NULL is not supported for tag 'a'"),
        ("name is not null", "IS NULL / IS NOT NULL is not supported for attribute 'name'"),
        ("name = ('a')", "Expected value token found '('a')'"),
        # MLflow does not quote the strangers that it lists, in the registry only.
        ("name = 'a' OR name = 'b'", "Invalid clause(s) in filter string: 'OR'"),
        # A keyword of SQL to MLflow's tokenizer.
        ("version = 1", "Invalid attribute key 'version' specified."),
    ],
)
def test_refused_of_the_registry_for_a_clearer_reason(
    filter_: str, message: str, grammar: Grammar
) -> None:
    with pytest.raises(DomainError) as caught:
        parse_filter(filter_, grammar)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        # MLflow answers with an internal error: it only knows aliases without their prefix.
        (
            "attributes.creation_time > 1",
            Comparison(Entity.ATTRIBUTE, "creation_timestamp_ms", Comparator.GT, 1),
        ),
        # MLflow takes double quotes for a part of the value, in logged models only.
        ('name = "a"', Comparison(Entity.ATTRIBUTE, "name", Comparator.EQ, "a")),
    ],
)
def test_more_is_accepted_of_logged_models(filter_: str, expected: Comparison) -> None:
    assert parse_filter(filter_, LOGGED_MODELS) == (expected,)


@pytest.mark.parametrize(
    ("filter_", "message"),
    [
        # MLflow answers these with an internal error.
        ("foo = 1", "Invalid attribute key 'foo' specified."),
        ("metrics.a > 'x'", "Expected numeric value type for metric. Found 'x'"),
        ("name IN (a)", "expected a non-empty list of string values, but got ill-formed list"),
        # MLflow glues the key and the comparator together.
        ("tags.a IS NULL", "Invalid comparison: tag 'a' IS [NOT] NULL. Expected a comparison"),
        # MLflow looks at the comparator before the value.
        ("metrics.a IN ('1')", "Expected numeric value type for metric. Found ('1')"),
    ],
)
def test_refused_of_logged_models_for_a_clearer_reason(filter_: str, message: str) -> None:
    with pytest.raises(DomainError) as caught:
        parse_filter(filter_, LOGGED_MODELS)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("filter_", "message"),
    [
        # MLflow answers these with an internal error, from Python's or the database's depths.
        ("run_id in (a)", "expected a non-empty list of string values, but got ill-formed list"),
        ("run_id = ('a')", "Expected value token found '('a')'"),
        ("dataset.name LIKE ('a')", "Expected value token found '('a')'"),
        # MLflow evaluates lists as Python, and accepts more than lists.
        ("run_id in ('a' 'b')", "ill-formed list"),
        ("run_id in (('a'))", "ill-formed list"),
        # MLflow searches for the empty key, which nothing can have.
        ("metrics. = 1", "Invalid identifier 'metrics.'"),
        # MLflow lists the comparators of strings.
        (
            "start_time LIKE 1",
            "Invalid comparator 'LIKE' not one of '{'!=', '<', '<=', '=', '>', '>='}'",
        ),
        ("end = 1", "Invalid attribute key 'end' specified"),
        ("metrics.a:b > 1", "Expected 'Identifier' found 'metrics.a:b'"),
        ("params.a = 'a' -- c", "Invalid clause(s) in filter string: '--', 'c'"),
        # Postgres can store neither.
        ("params.a = '\x00'", "Error on parsing filter"),
        ("params.a = '\ud800'", "Error on parsing filter"),
        (" AND ".join(["tags.a = 'b'"] * (MAX_CLAUSES + 1)), "at most 200 clauses. Got 201"),
        ("," * 100_000, "The filter has more than 25000 words and signs."),
        ("x" * (MAX_LENGTH + 1), "'filter' exceeds the maximum length of 200000 characters"),
    ],
)
def test_refused_for_a_clearer_reason(filter_: str, message: str) -> None:
    with pytest.raises(DomainError) as caught:
        parse_filter(filter_, RUNS)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("clause", "grammar", "key"),
    [
        # White space around a clause does not matter, nor which name is quoted as a whole.
        (" metrics.a ", RUNS, "a"),
        ('"metrics.a b" DESC', RUNS, "a b"),
        ("`metrics.a b`", RUNS, "a b"),
        # MLflow's word splitter stumbles over the quote.
        ('params.`a"b` DESC', RUNS, 'a"b'),
        (" name ", EXPERIMENTS, "name"),
        ("`name`", REGISTERED_MODELS, "name"),
    ],
)
def test_more_orders_are_accepted(clause: str, grammar: Grammar, key: str) -> None:
    assert [order.key for order in parse_order_by([clause], grammar)] == [key]
