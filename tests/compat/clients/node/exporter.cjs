// Traces nested calls with OpenTelemetry's SDK for Node.js, and prints the trace's id: exporter.cjs http|proto
"use strict";

const { trace, context, SpanKind, SpanStatusCode } = require("@opentelemetry/api");
const { resourceFromAttributes } = require("@opentelemetry/resources");
const { BatchSpanProcessor, NodeTracerProvider } = require("@opentelemetry/sdk-trace-node");

// Like all exporters, they take their address, headers and compression from the environment.
const { OTLPTraceExporter } = require(`@opentelemetry/exporter-trace-otlp-${process.argv[2]}`);

const exporter = new OTLPTraceExporter();
const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ "service.name": "web-shop", replicas: 2 }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
});
const tracer = provider.getTracer("test");

const root = tracer.startSpan("agent", {
    attributes: { "gen_ai.operation.name": "invoke_agent", "input.value": "q: ü" },
});
const inside = trace.setSpan(context.active(), root);
const chat = tracer.startSpan(
    "chat",
    {
        kind: SpanKind.CLIENT,
        links: [{ context: root.spanContext(), attributes: { why: "test" } }],
        attributes: {
            "gen_ai.operation.name": "chat",
            "gen_ai.output.messages": JSON.stringify([{ role: "assistant", parts: [] }]),
            "gen_ai.usage.input_tokens": 11,
            "gen_ai.usage.output_tokens": 7,
            temperatures: [0.5, 1],
            large: 2 ** 40,
            streamed: false,
        },
    },
    inside,
);
chat.addEvent("first token", { index: 0 });
chat.end();
const tool = tracer.startSpan("tool", {}, inside);
tool.recordException(new Error("broken"));
tool.setStatus({ code: SpanStatusCode.ERROR, message: "broken" });
tool.end();
for (let number = 0; number < 600; number += 1) {
    tracer.startSpan(`step ${number}`, {}, inside).end();
}
root.end();

provider.shutdown().then(() => console.log(root.spanContext().traceId));
