-- What `models:/<name>@champion` asks first.
local bench = dofile(os.getenv("BENCH_LUA") .. "/bench.lua")

function request()
  local model = bench.next()
  return bench.get("/registered-models/alias?name=" .. model .. "&alias=champion")
end
