-- A trace with all its spans.
local bench = dofile(os.getenv("BENCH_LUA") .. "/bench.lua")

function request()
  return bench.get("/traces/get?trace_id=" .. bench.next())
end
