"""The endpoints of MLflow's REST API: one line per endpoint, with MLflow's paths."""

from functools import partial

from services.gateway.http.endpoint import Endpoint
from shared.contracts import artifacts as a
from shared.contracts import assessments as s
from shared.contracts import datasets as d
from shared.contracts import evaluation_datasets as ed
from shared.contracts import experiments as e
from shared.contracts import issues as i
from shared.contracts import label_schemas as ls
from shared.contracts import limits
from shared.contracts import logged_models as lm
from shared.contracts import metrics as m
from shared.contracts import model_aliases as ma
from shared.contracts import model_versions as v
from shared.contracts import registered_models as rm
from shared.contracts import review_queues as q
from shared.contracts import runs as r
from shared.contracts import scorers as sc
from shared.contracts import trace_metrics as tm
from shared.contracts import traces as t

PREFIXES = (
    "/api/2.0/mlflow/",
    "/api/3.0/mlflow/",
    "/ajax-api/2.0/mlflow/",
    "/ajax-api/3.0/mlflow/",
)
"""Each endpoint is served under each prefix. Clients use ``api``; browsers use ``ajax-api``."""

V2_PREFIXES, V3_PREFIXES = PREFIXES[::2], PREFIXES[1::2]
"""Those of one version: a path of traces may mean something else in the other."""

PROXY_PREFIXES = ("/api/2.0/mlflow-artifacts/", "/ajax-api/2.0/mlflow-artifacts/")
"""The prefixes of MLflow's artifact proxy."""


_endpoint = partial(Endpoint, prefixes=PREFIXES)
_v2 = partial(Endpoint, prefixes=V2_PREFIXES)
_v3 = partial(Endpoint, prefixes=V3_PREFIXES)
_proxy = partial(Endpoint, prefixes=PROXY_PREFIXES)
_of_run = partial(Endpoint, prefixes=PREFIXES, owner="run")

ENDPOINTS = (
    _endpoint("POST", "experiments/create", e.CreateExperiment, e.CreateExperimentReply),
    _endpoint("GET", "experiments/get", e.GetExperiment, e.GetExperimentReply),
    _endpoint("GET", "experiments/get-by-name", e.GetExperimentByName, e.GetExperimentReply),
    _endpoint("GET POST", "experiments/search", e.SearchExperiments, e.SearchExperimentsReply),
    _endpoint("POST", "experiments/update", e.UpdateExperiment, e.Empty),
    _endpoint("POST", "experiments/delete", e.DeleteExperiment, e.Empty),
    _endpoint("POST", "experiments/restore", e.RestoreExperiment, e.Empty),
    _endpoint("POST", "experiments/set-experiment-tag", e.SetExperimentTag, e.Empty),
    _endpoint("POST", "experiments/delete-experiment-tag", e.DeleteExperimentTag, e.Empty),
    _endpoint("POST", "experiments/search-datasets", d.SearchDatasets, d.SearchDatasetsReply),
    _endpoint("POST", "runs/create", r.CreateRun, r.RunReply),
    _endpoint("GET", "runs/get", r.GetRun, r.RunReply),
    _endpoint("POST", "runs/search", r.SearchRuns, r.SearchRunsReply),
    _endpoint("POST", "runs/update", r.UpdateRun, r.UpdateRunReply),
    _endpoint("POST", "runs/delete", r.DeleteRun, e.Empty),
    _endpoint("POST", "runs/restore", r.RestoreRun, e.Empty),
    _endpoint("POST", "runs/log-metric", m.LogMetric, e.Empty),
    _endpoint("POST", "runs/log-batch", r.LogBatch, e.Empty, limits.BATCH_BODY),
    _endpoint("POST", "runs/log-parameter", r.LogParam, e.Empty),
    _endpoint("POST", "runs/set-tag", r.SetTag, e.Empty),
    _endpoint("POST", "runs/delete-tag", r.DeleteTag, e.Empty),
    _endpoint("POST", "runs/log-model", r.LogModel, e.Empty),
    _endpoint("POST", "runs/log-inputs", d.LogInputs, e.Empty, limits.INPUTS_BODY),
    _endpoint("POST", "runs/outputs", d.LogOutputs, e.Empty),
    _endpoint("GET", "metrics/get-history", m.GetMetricHistory, m.GetMetricHistoryReply, in_parts=True),
    _endpoint("GET", "metrics/get-history-bulk", m.GetMetricHistoryBulk, m.MetricHistoryBulkReply),
    _endpoint(
        "GET",
        "metrics/get-history-bulk-interval",
        m.GetMetricHistoryBulkInterval,
        m.MetricHistoryBulkReply,
    ),
    _endpoint("POST", "registered-models/create", rm.CreateRegisteredModel, rm.RegisteredModelReply),
    _endpoint("GET", "registered-models/get", rm.GetRegisteredModel, rm.RegisteredModelReply),
    _endpoint("POST", "registered-models/rename", rm.RenameRegisteredModel, rm.RegisteredModelReply),
    _endpoint("PATCH", "registered-models/update", rm.UpdateRegisteredModel, rm.RegisteredModelReply),
    _endpoint("DELETE", "registered-models/delete", rm.DeleteRegisteredModel, e.Empty),
    _endpoint("GET", "registered-models/search", rm.SearchRegisteredModels, rm.SearchRegisteredModelsReply),
    _endpoint("GET POST", "registered-models/get-latest-versions", rm.GetLatestVersions, rm.GetLatestVersionsReply),
    _endpoint("POST", "registered-models/set-tag", rm.SetRegisteredModelTag, e.Empty),
    _endpoint("DELETE", "registered-models/delete-tag", rm.DeleteRegisteredModelTag, e.Empty),
    _endpoint("POST", "registered-models/alias", ma.SetRegisteredModelAlias, e.Empty),
    _endpoint("DELETE", "registered-models/alias", ma.DeleteRegisteredModelAlias, e.Empty),
    _endpoint("GET", "registered-models/alias", ma.GetModelVersionByAlias, v.ModelVersionReply),
    _endpoint("POST", "model-versions/create", v.CreateModelVersion, v.ModelVersionReply),
    _endpoint("GET", "model-versions/get", v.GetModelVersion, v.ModelVersionReply),
    _endpoint("PATCH", "model-versions/update", v.UpdateModelVersion, v.ModelVersionReply),
    _endpoint("DELETE", "model-versions/delete", v.DeleteModelVersion, e.Empty),
    _endpoint("GET", "model-versions/search", v.SearchModelVersions, v.SearchModelVersionsReply),
    _endpoint("GET", "model-versions/get-download-uri", v.GetModelVersionDownloadUri, v.GetModelVersionDownloadUriReply),
    _endpoint("POST", "model-versions/transition-stage", v.TransitionModelVersionStage, v.ModelVersionReply),
    _endpoint("POST", "model-versions/set-tag", v.SetModelVersionTag, e.Empty),
    _endpoint("DELETE", "model-versions/delete-tag", v.DeleteModelVersionTag, e.Empty),
    _endpoint(
        "GET",
        "logged-models/{model_id}/artifacts/directories",
        a.ListLoggedModelArtifacts,
        a.ListArtifactsReply,
        owner="model",
    ),
    _of_run("GET", "artifacts/list", a.ListArtifacts, a.ListArtifactsReply),
    _endpoint(
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
    _endpoint("POST", "logged-models", lm.CreateLoggedModel, lm.LoggedModelReply),
    _endpoint("POST", "logged-models/search", lm.SearchLoggedModels, lm.SearchLoggedModelsReply),
    _endpoint("GET", "logged-models/{model_id}", lm.GetLoggedModel, lm.LoggedModelReply),
    _endpoint("PATCH", "logged-models/{model_id}", lm.FinalizeLoggedModel, lm.LoggedModelReply),
    _endpoint("DELETE", "logged-models/{model_id}", lm.DeleteLoggedModel, e.Empty),
    _endpoint("PATCH", "logged-models/{model_id}/tags", lm.SetLoggedModelTags, e.Empty),
    _endpoint("DELETE", "logged-models/{model_id}/tags/{tag_key}", lm.DeleteLoggedModelTag, e.Empty),
    _endpoint("POST", "logged-models/{model_id}/params", lm.LogLoggedModelParams, e.Empty),
    _v2("POST", "traces", t.StartTrace, t.TraceInfoReply),
    _v2("GET", "traces", t.SearchTraces, t.SearchTracesReply),
    _v2("PATCH", "traces/{trace_id}", t.EndTrace, t.TraceInfoReply),
    _v2("GET", "traces/{trace_id}/info", t.GetTraceInfo, t.TraceInfoReply),
    _v3("POST", "traces", t.StartTraceV3, t.TraceReply),
    _v3("POST", "traces/search", t.SearchTracesV3, t.SearchTracesV3Reply),
    _v3("POST", "traces/metrics", tm.QueryTraceMetrics, tm.QueryTraceMetricsReply),
    _v3(
        "POST",
        "traces/calculate-filter-correlation",
        tm.CalculateTraceFilterCorrelation,
        tm.TraceFilterCorrelation,
    ),
    _v3("GET", "traces/get", t.GetTrace, t.SpannedTraceReply),
    _v3("GET", "traces/batchGet", t.BatchGetTraces, t.BatchGetTracesReply),
    _v3("POST", "traces/batchGetInfos", t.BatchGetTraceInfos, t.BatchGetTraceInfosReply),
    _v3("GET", "traces/{trace_id}", t.GetTraceInfoV3, t.TraceReply),
    _v3("POST", "traces/{trace_id}/assessments", s.CreateAssessment, s.AssessmentReply),
    _v3("GET", "traces/{trace_id}/assessments/{assessment_id}", s.GetAssessment, s.AssessmentReply),
    _v3("PATCH", "traces/{trace_id}/assessments/{assessment_id}", s.UpdateAssessment, s.AssessmentReply),
    _v3("DELETE", "traces/{trace_id}/assessments/{assessment_id}", s.DeleteAssessment, e.Empty),
    _v3("POST", "issues", i.CreateIssue, i.IssueReply),
    _v3("POST", "issues/search", i.SearchIssues, i.SearchIssuesReply),
    _v3("GET", "issues/{issue_id}", i.GetIssue, i.IssueReply),
    _v3("PATCH", "issues/{issue_id}", i.UpdateIssue, i.IssueReply),
    _endpoint("POST", "traces/delete-traces", t.DeleteTraces, t.DeleteTracesReply),
    _endpoint("PATCH", "traces/{trace_id}/tags", t.SetTraceTag, e.Empty),
    _endpoint("DELETE", "traces/{trace_id}/tags", t.DeleteTraceTag, e.Empty),
    _endpoint("POST", "traces/link-to-run", t.LinkTracesToRun, e.Empty),
    _endpoint("POST", "traces/link-prompts", t.LinkPromptsToTrace, e.Empty),
    _v3("POST", "datasets/create", ed.CreateDataset, ed.EvaluationDatasetReply),
    _v3("GET POST", "datasets/search", ed.SearchEvaluationDatasets, ed.SearchEvaluationDatasetsReply),
    _v3("GET", "datasets/{dataset_id}", ed.GetDataset, ed.EvaluationDatasetReply),
    _v3("DELETE", "datasets/{dataset_id}", ed.DeleteDataset, e.Empty),
    _v3("PATCH", "datasets/{dataset_id}/tags", ed.SetDatasetTags, e.Empty),
    _v3("DELETE", "datasets/{dataset_id}/tags/{key}", ed.DeleteDatasetTag, e.Empty),
    _v3(
        "POST",
        "datasets/{dataset_id}/records",
        ed.UpsertDatasetRecords,
        ed.UpsertDatasetRecordsReply,
        limits.RECORDS_BODY,
    ),
    _v3("GET", "datasets/{dataset_id}/records", ed.GetDatasetRecords, ed.GetDatasetRecordsReply),
    _v3("DELETE", "datasets/{dataset_id}/records", ed.DeleteDatasetRecords, ed.DeleteDatasetRecordsReply),
    _v3("GET", "datasets/{dataset_id}/experiment-ids", ed.GetDatasetExperimentIds, ed.GetDatasetExperimentIdsReply),
    _v3("POST", "datasets/{dataset_id}/add-experiments", ed.AddDatasetToExperiments, ed.EvaluationDatasetReply),
    _v3("POST", "datasets/{dataset_id}/remove-experiments", ed.RemoveDatasetFromExperiments, ed.EvaluationDatasetReply),
    _v3("POST", "scorers/register", sc.RegisterScorer, sc.RegisterScorerReply),
    _v3("GET", "scorers/list", sc.ListScorers, sc.ListScorersReply),
    _v3("GET", "scorers/versions", sc.ListScorerVersions, sc.ListScorersReply),
    _v3("GET", "scorers/get", sc.GetScorer, sc.ScorerReply),
    _v3("DELETE", "scorers/delete", sc.DeleteScorer, e.Empty),
    _v3("GET", "scorers/online-configs", sc.GetOnlineScoringConfigs, sc.OnlineScoringConfigsReply),
    _v3("PUT", "scorers/online-config", sc.UpsertOnlineScoringConfig, sc.OnlineScoringConfigReply),
    _v3("POST", "label-schemas/create", ls.CreateLabelSchema, ls.LabelSchemaReply),
    _v3("GET", "label-schemas/get", ls.GetLabelSchema, ls.LabelSchemaReply),
    _v3("GET", "label-schemas/get-by-name", ls.GetLabelSchemaByName, ls.LabelSchemaReply),
    _v3("GET", "label-schemas/list", ls.ListLabelSchemas, ls.ListLabelSchemasReply),
    _v3("PATCH", "label-schemas/update", ls.UpdateLabelSchema, ls.LabelSchemaReply),
    _v3("DELETE", "label-schemas/delete", ls.DeleteLabelSchema, e.Empty),
    _v3("POST", "review-queues/create", q.CreateReviewQueue, q.ReviewQueueReply),
    _v3("POST", "review-queues/get-or-create-user", q.GetOrCreateUserQueue, q.ReviewQueueReply),
    _v3("GET", "review-queues/get", q.GetReviewQueue, q.ReviewQueueReply),
    _v3("GET", "review-queues/get-by-name", q.GetReviewQueueByName, q.ReviewQueueReply),
    _v3("GET", "review-queues/list", q.ListReviewQueues, q.ListReviewQueuesReply),
    _v3("POST", "review-queues/update", q.UpdateReviewQueue, q.ReviewQueueReply),
    _v3("POST", "review-queues/delete", q.DeleteReviewQueue, e.Empty),
    _v3("POST", "review-queues/items/add", q.AddItemsToReviewQueue, q.ReviewQueueItemsReply),
    _v3("POST", "review-queues/items/remove", q.RemoveItemsFromReviewQueue, e.Empty),
    _v3("GET", "review-queues/items/list", q.ListReviewQueueItems, q.ListReviewQueueItemsReply),
    _v3("POST", "review-queues/items/set-status", q.SetReviewQueueItemStatus, q.ReviewQueueItemReply),
)  # fmt: skip
