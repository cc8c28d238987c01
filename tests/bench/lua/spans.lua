-- Requests with spans. The driver has written their bodies as templates, in which a marker stands for the id of the
-- request. It is in the ids of each trace and span, so that no two requests have one in common.
local bench = dofile(os.getenv("BENCH_LUA") .. "/bench.lua")
local spans = {}

local MARKER = "@TRACE"

-- The parts of a template. They are joined with the id, so that a body costs wrk next to nothing.
function spans.template(name)
  local file = assert(io.open(os.getenv("BENCH_TEMPLATES") .. "/" .. name, "rb"))
  local text, parts, at = file:read("*a"), {}, 1
  file:close()
  while true do
    local first, last = text:find(MARKER, at, true)
    parts[#parts + 1] = text:sub(at, (first or #text + 1) - 1)
    if not first then
      return parts
    end
    at = last + 1
  end
end

-- As many bytes as the marker has. The byte that changes first comes first: ids come in no order, as random ones.
function spans.new_id()
  bench.step = bench.step + 1
  local left, bytes = bench.step, {}
  for i = 1, #MARKER do
    bytes[i] = string.char(left % 256)
    left = math.floor(left / 256)
  end
  return table.concat(bytes)
end

function spans.hexadecimal(id)
  return (id:gsub(".", function(byte) return string.format("%02x", byte:byte()) end))
end

local OTLP = {
  ["Content-Type"] = "application/x-protobuf",
  ["x-mlflow-experiment-id"] = os.getenv("BENCH_EXPERIMENT"),
}

function spans.export(parts, id)
  return wrk.format("POST", "/v1/traces", OTLP, table.concat(parts, id))
end

return spans
