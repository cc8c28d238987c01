-- A version as `mlflow.register_model` makes it, of the models in turn.
local bench = dofile(os.getenv("BENCH_LUA") .. "/bench.lua")

function request()
  local model, number = bench.next()
  return bench.post("/model-versions/create", string.format(
    '{"name":"%s","source":"s3://models/%s/new/%s"}', model, model, number))
end
