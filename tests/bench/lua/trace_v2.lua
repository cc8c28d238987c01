-- A trace as MLflow 2 starts and ends it. Its id is in the answer to the start.
local bench = dofile(os.getenv("BENCH_LUA") .. "/bench.lua")
local experiment = os.getenv("BENCH_EXPERIMENT")
local started = {}

function request()
  bench.step = bench.step + 1
  local now = 1760000000000 + bench.step
  local id = table.remove(started)
  if id then
    return wrk.format("PATCH", bench.prefix .. "/traces/" .. id, bench.json, string.format(
      '{"request_id":"%s","timestamp_ms":%d,"status":"OK","request_metadata":['
        .. '{"key":"mlflow.traceInputs","value":"{\\"question\\": \\"Which run is the best?\\"}"},'
        .. '{"key":"mlflow.traceOutputs","value":"\\"The one with the lowest loss.\\""}],"tags":[]}',
      id, now + 1500))
  end
  return bench.post("/traces", string.format(
    '{"experiment_id":"%s","timestamp_ms":%d,"request_metadata":[{"key":"mlflow.trace_schema.version","value":"2"}],'
      .. '"tags":[{"key":"mlflow.user","value":"bench"},{"key":"mlflow.source.name","value":"app.py"},'
      .. '{"key":"mlflow.source.type","value":"LOCAL"},{"key":"mlflow.traceName","value":"answer"}]}',
    experiment, now))
end

function response(_, _, body)
  local id = body:match('"status": ?"IN_PROGRESS"') and body:match('"request_id": ?"([^"]+)"')
  if id then
    started[#started + 1] = id
  end
end
