-- The whole history of one metric; the driver has logged BENCH_POINTS points of it.
local bench = dofile(os.getenv("BENCH_LUA") .. "/bench.lua")

function request()
  local run = bench.next()
  return bench.get("/metrics/get-history?run_id=" .. run .. "&metric_key=history")
end
