-- A trace as MLflow 3 ends it: its spans as OTLP, then what the client knows of the trace.
local bench = dofile(os.getenv("BENCH_LUA") .. "/bench.lua")
local spans = dofile(os.getenv("BENCH_LUA") .. "/spans.lua")
local batch, info = spans.template("trace.otlp"), spans.template("trace.json")
local experiment = os.getenv("BENCH_EXPERIMENT")
local exported

function request()
  if exported then
    local body = table.concat(info, spans.hexadecimal(exported)):gsub("@EXPERIMENT", experiment)
    exported = nil
    return bench.post("/traces", body)
  end
  exported = spans.new_id()
  return spans.export(batch, exported)
end
