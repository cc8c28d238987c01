-- The newest traces of an experiment, as a UI asks for them.
local bench = dofile(os.getenv("BENCH_LUA") .. "/bench.lua")
local body = string.format(
  '{"locations":[{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"%s"}}],'
    .. '"order_by":["timestamp_ms DESC"],"max_results":100}',
  os.getenv("BENCH_EXPERIMENT"))

function request()
  return bench.post("/traces/search", body)
end
