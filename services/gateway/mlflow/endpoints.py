"""The endpoints of MLflow's REST API: one line per endpoint, with MLflow's paths."""

from dataclasses import dataclass
from typing import Literal

from shared.contracts import artifacts as a
from shared.contracts import datasets as d
from shared.contracts import experiments as e
from shared.contracts import limits
from shared.contracts import logged_models as lm
from shared.contracts import metrics as m
from shared.contracts import model_aliases as ma
from shared.contracts import model_versions as v
from shared.contracts import registered_models as rm
from shared.contracts import runs as r
from shared.contracts.message import Message, Wire

PREFIXES = (
    "/api/2.0/mlflow/",
    "/api/3.0/mlflow/",
    "/ajax-api/2.0/mlflow/",
    "/ajax-api/3.0/mlflow/",
)
"""Each endpoint is served under each prefix. Clients use ``api``; browsers use ``ajax-api``."""

PROXY_PREFIXES = ("/api/2.0/mlflow-artifacts/", "/ajax-api/2.0/mlflow-artifacts/")
"""The prefixes of MLflow's artifact proxy."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint.

    ``methods`` are separated by spaces. ``path`` may have variable parts, as in
    ``logged-models/{model_id}``: they become fields of the contract. ``max_bytes`` is the largest body;
    the gateway's settings may allow less. ``owner`` says what the artifacts of the request belong to:
    the gateway looks up the run or model that the request names, and adds its ``artifact_uri``.
    """

    methods: str
    path: str
    contract: type[Message]
    reply: type[Wire]
    max_bytes: int = limits.BODY
    prefixes: tuple[str, ...] = PREFIXES
    owner: Literal["", "run", "model", "run or model"] = ""


def _proxy(methods: str, path: str, contract: type[Message], reply: type[Wire]) -> Endpoint:
    return Endpoint(methods, path, contract, reply, prefixes=PROXY_PREFIXES)


def _of_run(methods: str, path: str, contract: type[Message], reply: type[Wire]) -> Endpoint:
    return Endpoint(methods, path, contract, reply, owner="run")


ENDPOINTS = (
    Endpoint("POST", "experiments/create", e.CreateExperiment, e.CreateExperimentReply),
    Endpoint("GET", "experiments/get", e.GetExperiment, e.GetExperimentReply),
    Endpoint("GET", "experiments/get-by-name", e.GetExperimentByName, e.GetExperimentReply),
    Endpoint("GET POST", "experiments/search", e.SearchExperiments, e.SearchExperimentsReply),
    Endpoint("POST", "experiments/update", e.UpdateExperiment, e.Empty),
    Endpoint("POST", "experiments/delete", e.DeleteExperiment, e.Empty),
    Endpoint("POST", "experiments/restore", e.RestoreExperiment, e.Empty),
    Endpoint("POST", "experiments/set-experiment-tag", e.SetExperimentTag, e.Empty),
    Endpoint("POST", "experiments/delete-experiment-tag", e.DeleteExperimentTag, e.Empty),
    Endpoint("POST", "experiments/search-datasets", d.SearchDatasets, d.SearchDatasetsReply),
    Endpoint("POST", "runs/create", r.CreateRun, r.RunReply),
    Endpoint("GET", "runs/get", r.GetRun, r.RunReply),
    Endpoint("POST", "runs/search", r.SearchRuns, r.SearchRunsReply),
    Endpoint("POST", "runs/update", r.UpdateRun, r.UpdateRunReply),
    Endpoint("POST", "runs/delete", r.DeleteRun, e.Empty),
    Endpoint("POST", "runs/restore", r.RestoreRun, e.Empty),
    Endpoint("POST", "runs/log-metric", m.LogMetric, e.Empty),
    Endpoint("POST", "runs/log-batch", r.LogBatch, e.Empty, limits.BATCH_BODY),
    Endpoint("POST", "runs/log-parameter", r.LogParam, e.Empty),
    Endpoint("POST", "runs/set-tag", r.SetTag, e.Empty),
    Endpoint("POST", "runs/delete-tag", r.DeleteTag, e.Empty),
    Endpoint("POST", "runs/log-model", r.LogModel, e.Empty),
    Endpoint("POST", "runs/log-inputs", d.LogInputs, e.Empty, limits.INPUTS_BODY),
    Endpoint("POST", "runs/outputs", d.LogOutputs, e.Empty),
    Endpoint("GET", "metrics/get-history", m.GetMetricHistory, m.GetMetricHistoryReply),
    Endpoint("GET", "metrics/get-history-bulk", m.GetMetricHistoryBulk, m.MetricHistoryBulkReply),
    Endpoint(
        "GET",
        "metrics/get-history-bulk-interval",
        m.GetMetricHistoryBulkInterval,
        m.MetricHistoryBulkReply,
    ),
    Endpoint("POST", "registered-models/create", rm.CreateRegisteredModel, rm.RegisteredModelReply),
    Endpoint("GET", "registered-models/get", rm.GetRegisteredModel, rm.RegisteredModelReply),
    Endpoint("POST", "registered-models/rename", rm.RenameRegisteredModel, rm.RegisteredModelReply),
    Endpoint("PATCH", "registered-models/update", rm.UpdateRegisteredModel, rm.RegisteredModelReply),
    Endpoint("DELETE", "registered-models/delete", rm.DeleteRegisteredModel, e.Empty),
    Endpoint("GET", "registered-models/search", rm.SearchRegisteredModels, rm.SearchRegisteredModelsReply),
    Endpoint("GET POST", "registered-models/get-latest-versions", rm.GetLatestVersions, rm.GetLatestVersionsReply),
    Endpoint("POST", "registered-models/set-tag", rm.SetRegisteredModelTag, e.Empty),
    Endpoint("DELETE", "registered-models/delete-tag", rm.DeleteRegisteredModelTag, e.Empty),
    Endpoint("POST", "registered-models/alias", ma.SetRegisteredModelAlias, e.Empty),
    Endpoint("DELETE", "registered-models/alias", ma.DeleteRegisteredModelAlias, e.Empty),
    Endpoint("GET", "registered-models/alias", ma.GetModelVersionByAlias, v.ModelVersionReply),
    Endpoint("POST", "model-versions/create", v.CreateModelVersion, v.ModelVersionReply),
    Endpoint("GET", "model-versions/get", v.GetModelVersion, v.ModelVersionReply),
    Endpoint("PATCH", "model-versions/update", v.UpdateModelVersion, v.ModelVersionReply),
    Endpoint("DELETE", "model-versions/delete", v.DeleteModelVersion, e.Empty),
    Endpoint("GET", "model-versions/search", v.SearchModelVersions, v.SearchModelVersionsReply),
    Endpoint("GET", "model-versions/get-download-uri", v.GetModelVersionDownloadUri, v.GetModelVersionDownloadUriReply),
    Endpoint("POST", "model-versions/transition-stage", v.TransitionModelVersionStage, v.ModelVersionReply),
    Endpoint("POST", "model-versions/set-tag", v.SetModelVersionTag, e.Empty),
    Endpoint("DELETE", "model-versions/delete-tag", v.DeleteModelVersionTag, e.Empty),
    Endpoint(
        "GET",
        "logged-models/{model_id}/artifacts/directories",
        a.ListLoggedModelArtifacts,
        a.ListArtifactsReply,
        owner="model",
    ),
    _of_run("GET", "artifacts/list", a.ListArtifacts, a.ListArtifactsReply),
    Endpoint(
        "POST",
        "artifacts/presigned-upload-url",
        a.CreatePresignedUploadUrl,
        a.CreatePresignedUploadUrlReply,
        owner="run or model",
    ),
    _of_run("POST", "artifacts/presigned-download-url", a.CreatePresignedDownloadUrl, a.CreatePresignedDownloadUrlReply),
    _proxy("GET", "artifacts", a.ListProxiedArtifacts, a.ListProxiedArtifactsReply),
    _proxy("DELETE", "artifacts/{path:path}", a.DeleteArtifact, e.Empty),
    _proxy("GET", "presigned/{artifact_path:path}", a.GetPresignedDownloadUrl, a.GetPresignedDownloadUrlReply),
    _proxy("POST", "mpu/create/{artifact_path:path}", a.CreateMultipartUpload, a.CreateMultipartUploadReply),
    _proxy("POST", "mpu/complete/{artifact_path:path}", a.CompleteMultipartUpload, e.Empty),
    _proxy("POST", "mpu/abort/{artifact_path:path}", a.AbortMultipartUpload, e.Empty),
    Endpoint("POST", "logged-models", lm.CreateLoggedModel, lm.LoggedModelReply),
    Endpoint("POST", "logged-models/search", lm.SearchLoggedModels, lm.SearchLoggedModelsReply),
    Endpoint("GET", "logged-models/{model_id}", lm.GetLoggedModel, lm.LoggedModelReply),
    Endpoint("PATCH", "logged-models/{model_id}", lm.FinalizeLoggedModel, lm.LoggedModelReply),
    Endpoint("DELETE", "logged-models/{model_id}", lm.DeleteLoggedModel, e.Empty),
    Endpoint("PATCH", "logged-models/{model_id}/tags", lm.SetLoggedModelTags, e.Empty),
    Endpoint("DELETE", "logged-models/{model_id}/tags/{tag_key}", lm.DeleteLoggedModelTag, e.Empty),
    Endpoint("POST", "logged-models/{model_id}/params", lm.LogLoggedModelParams, e.Empty),
)  # fmt: skip
