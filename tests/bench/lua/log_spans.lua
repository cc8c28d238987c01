-- A batch of spans of OpenTelemetry, as an exporter sends it. With BENCH_RATE all clients together send so many
-- requests a second at most.
local spans = dofile(os.getenv("BENCH_LUA") .. "/spans.lua")
local batch = spans.template("batch.otlp")

function request()
  return spans.export(batch, spans.new_id())
end

local rate = tonumber(os.getenv("BENCH_RATE") or "0")
if rate > 0 then
  local ffi = require("ffi")
  ffi.cdef("typedef struct { long seconds; long nanoseconds; } moment; int clock_gettime(int, moment *);")
  local moment, due = ffi.new("moment"), nil

  -- Milliseconds until the next request.
  function delay()
    ffi.C.clock_gettime(1, moment)
    local now = tonumber(moment.seconds) + tonumber(moment.nanoseconds) / 1e9
    due = math.max(due or now, now - 1) + 1 / rate
    return math.max(0, math.floor((due - now) * 1000))
  end
end
