-- BENCH_METRICS keys at one step, as `mlflow.log_metrics(values, step=n)` sends them.
local bench = dofile(os.getenv("BENCH_LUA") .. "/bench.lua")

-- The step is what the fragments are joined with, so that a body costs wrk next to nothing.
local fragments = {}
for i = 1, bench.metrics do
  local open = i == 1 and "" or "},"
  fragments[i] = string.format('%s{"key":"metric_%d","value":%.6f,"timestamp":1760000000000,"step":', open, i, i / 7)
end
fragments[#fragments + 1] = "}]}"

function request()
  local run, step = bench.next()
  return bench.post("/runs/log-batch", '{"run_id":"' .. run .. '","metrics":[' .. table.concat(fragments, step))
end
