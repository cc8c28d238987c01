-- One point a request: ten keys, each request a step of its own.
local bench = dofile(os.getenv("BENCH_LUA") .. "/bench.lua")

function request()
  local run, step = bench.next()
  return bench.post("/runs/log-metric", '{"run_id":"' .. run .. '","key":"metric_' .. step:sub(-1)
    .. '","value":0.' .. step .. ',"timestamp":1760000000000,"step":' .. step .. "}")
end
