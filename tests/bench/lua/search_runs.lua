-- The page that a dashboard asks for: filtered by metric and param, ordered by the metric.
local bench = dofile(os.getenv("BENCH_LUA") .. "/bench.lua")
local experiment = os.getenv("BENCH_EXPERIMENT")

function request()
  bench.step = bench.step + 1
  return bench.post("/runs/search", string.format(
    '{"experiment_ids":["%s"],"filter":"metrics.loss < %d and params.depth = \'%d\'",'
      .. '"order_by":["metrics.loss ASC"],"max_results":20}',
    experiment, 150 + bench.step % 50, bench.step % 5))
end
