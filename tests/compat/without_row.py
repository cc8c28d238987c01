"""The methods of MLflow's API of tracing and evaluation that the compatibility page has no row for, and why."""

from collections.abc import Mapping, Sequence

WITHOUT_ROW: Mapping[str, Sequence[str]] = {
    "A row of another method uses it": (
        "disable_git_model_versioning",
        "enable",
        "get_tracing_context_headers_for_http_request",
        "make_judge",
        "reset",
        "scorer",
    ),
    "It asks no server": (
        "agg_all",
        "agg_any",
        "disable_notebook_display",
        "enable_notebook_display",
        "get_all_scorers",
        "get_bridged_tracer_provider",
        "majority_vote",
        "make_scorer_ensemble",
        "maximum",
        "mean",
        "minimum",
        "parse_prompt_uri",
        "run",
        "set_profile",
        "to_dict",
        "to_evaluation_dataset",
        "to_proto",
    ),
    "MLflow has it with Databricks alone": (
        "create_labeling_session",
        "delete_labeling_session",
        "get_labeling_session",
        "get_labeling_sessions",
        "get_review_app",
        "list_versions",
        "set_databricks_monitoring_sql_warehouse_id",
        "set_experiment_trace_location",
        "to_predict_fn",
        "unlink_traces_from_run",
        "unset_experiment_trace_location",
    ),
    "It asks a language model, and logs what other rows log": (
        "optimize_prompt",
        "optimize_prompts",
        "test_agent",
    ),
    "Warren has no registry of MCP servers": (
        "create_mcp_access_endpoint",
        "delete_mcp_access_endpoint",
        "delete_mcp_server",
        "delete_mcp_server_alias",
        "delete_mcp_server_tag",
        "delete_mcp_server_version",
        "delete_mcp_server_version_tag",
        "get_latest_mcp_server_version",
        "get_mcp_access_endpoint",
        "get_mcp_server",
        "get_mcp_server_version",
        "get_mcp_server_version_by_alias",
        "refresh_mcp_server_version_tools",
        "register_mcp_server",
        "register_mcp_server_from_url",
        "search_mcp_access_endpoints",
        "search_mcp_server_versions",
        "search_mcp_servers",
        "set_mcp_server_alias",
        "set_mcp_server_tag",
        "set_mcp_server_version_tag",
        "update_mcp_access_endpoint",
        "update_mcp_server",
        "update_mcp_server_version",
    ),
}


def table() -> str:
    """Return the part of the page."""
    rows = "".join(
        f"| {reason} | {', '.join(f'`{each}`' for each in names)} |\n"
        for reason, names in WITHOUT_ROW.items()
    )
    return f"\n### Methods without a row\n\n| why | methods |\n|---|---|\n{rows}"
