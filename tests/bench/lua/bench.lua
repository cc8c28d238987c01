-- What every script shares: the settings that the driver hands over in the
-- environment, JSON requests, and the one line of JSON that the driver reads.

local bench = { prefix = os.getenv("BENCH_PREFIX") or "/api/2.0/mlflow" }

-- Steps never repeat between two cells: the driver gives each its own range.
bench.step = tonumber(os.getenv("BENCH_FIRST_STEP") or "0")
bench.metrics = tonumber(os.getenv("BENCH_METRICS") or "1")

-- The ids of runs, or the names of models, that requests are about.
bench.names = {}
for name in (os.getenv("BENCH_NAMES") or ""):gmatch("[^,]+") do
  bench.names[#bench.names + 1] = name
end

bench.json = { ["Content-Type"] = "application/json" }
local token = os.getenv("BENCH_TOKEN") or ""
if token ~= "" then
  bench.json["Authorization"] = "Bearer " .. token
end

function bench.post(path, body)
  return wrk.format("POST", bench.prefix .. path, bench.json, body)
end

function bench.get(path)
  return wrk.format("GET", bench.prefix .. path)
end

-- Requests go round the names, one step further with each request.
function bench.next()
  bench.step = bench.step + 1
  return bench.names[bench.step % #bench.names + 1], string.format("%d", bench.step)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "microseconds": %d, "p50": %.1f, "p99": %.1f, "statuses": %d, "sockets": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end

return bench
