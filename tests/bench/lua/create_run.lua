-- A run as the fluent client makes it: a name, a user, a few tags.
local bench = dofile(os.getenv("BENCH_LUA") .. "/bench.lua")
local experiment = os.getenv("BENCH_EXPERIMENT")

function request()
  bench.step = bench.step + 1
  return bench.post("/runs/create", string.format(
    '{"experiment_id":"%s","start_time":%d,"run_name":"run-%d","tags":['
      .. '{"key":"mlflow.user","value":"bench"},{"key":"mlflow.source.name","value":"train.py"},'
      .. '{"key":"mlflow.source.type","value":"LOCAL"}]}',
    experiment, 1760000000000 + bench.step, bench.step))
end
