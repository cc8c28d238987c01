-- The page that a UI asks for: the newest versions of one model.
local bench = dofile(os.getenv("BENCH_LUA") .. "/bench.lua")

function request()
  local model = bench.next()
  return bench.get("/model-versions/search?max_results=20&order_by=version_number%20DESC"
    .. "&filter=name%20%3D%20%27" .. model .. "%27")
end
