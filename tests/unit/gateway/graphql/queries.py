"""Queries as MLflow's UI and MLflow's tests send them, with the variables that a test fills in."""

GET_EXPERIMENT = """
query MlflowGetExperimentQuery($input: MlflowGetExperimentInput!) @component(name: "MLflow.ExperimentRunTracking") {
  mlflowGetExperiment(input: $input) {
    apiError { code message __typename }
    experiment {
      artifactLocation creationTime effectiveTraceArchivalRetention experimentId lastUpdateTime lifecycleStage name
      tags { key value __typename }
      __typename
    }
    __typename
  }
}
"""

GET_RUN = """
query GetRun($data: MlflowGetRunInput!) @component(name: "MLflow.ExperimentRunTracking") {
  mlflowGetRun(input: $data) {
    apiError { helpUrl code message __typename }
    run {
      info { runName status runUuid experimentId artifactUri endTime lifecycleStage startTime userId __typename }
      experiment {
        experimentId name artifactLocation lifecycleStage lastUpdateTime
        tags { key value __typename }
        __typename
      }
      modelVersions { status version name source __typename }
      data {
        metrics { key value step timestamp __typename }
        params { key value __typename }
        tags { key value __typename }
        __typename
      }
      inputs {
        datasetInputs {
          dataset { digest name profile schema source sourceType __typename }
          tags { key value __typename }
          __typename
        }
        modelInputs { modelId __typename }
        __typename
      }
      outputs { modelOutputs { modelId step __typename } __typename }
      __typename
    }
    __typename
  }
}
"""

SEARCH_RUNS = """
query SearchRuns($data: MlflowSearchRunsInput!) @component(name: "MLflow.ExperimentRunTracking") {
  mlflowSearchRuns(input: $data) {
    apiError { code message helpUrl }
    nextPageToken
    runs {
      info { runId runUuid runName experimentId status startTime endTime artifactUri lifecycleStage userId }
      experiment { experimentId name tags { key value } }
      modelVersions { name version status source currentStage aliases runId }
      data {
        metrics { key value step timestamp modelId datasetName datasetDigest }
        params { key value }
        tags { key value }
      }
      inputs { datasetInputs { dataset { name digest } tags { key value } } modelInputs { modelId } }
      outputs { modelOutputs { modelId step } }
    }
  }
}
"""

METRIC_HISTORY = """
query GetMetricHistoryBulkInterval($data: MlflowGetMetricHistoryBulkIntervalInput!)
    @component(name: "MLflow.ExperimentRunTracking") {
  mlflowGetMetricHistoryBulkInterval(input: $data) {
    __typename
    metrics { timestamp step runId key value }
    apiError { code message }
  }
}
"""

LIST_ARTIFACTS = """
query ListArtifacts($data: MlflowListArtifactsInput!) {
  mlflowListArtifacts(input: $data) {
    rootUri
    nextPageToken
    files { path isDir fileSize }
    apiError { code message }
  }
}
"""

SEARCH_DATASETS = """
mutation SearchDatasets($data: MlflowSearchDatasetsInput!) {
  mlflowSearchDatasets(input: $data) {
    datasetSummaries { experimentId name digest context }
    apiError { code message }
  }
}
"""

SEARCH_MODEL_VERSIONS = """
query SearchModelVersions($data: MlflowSearchModelVersionsInput!) {
  mlflowSearchModelVersions(input: $data) {
    nextPageToken
    modelVersions { name version status statusMessage source runId runLink currentStage description userId aliases
                    modelId tags { key value } }
    apiError { code message }
  }
}
"""

VARIABLE_OF_INPUT = {GET_EXPERIMENT: "input"}
"""The UI names the input of this query differently from all others."""


def body_of(query, **given):
    """Return the body of a request for a query with this input."""
    return {"query": query, "variables": {VARIABLE_OF_INPUT.get(query, "data"): given}}
