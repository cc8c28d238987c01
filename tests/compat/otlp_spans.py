"""Spans as instrumentations of language models record them: attributes, and events where a convention has them."""

import json
from typing import Any, NamedTuple


class Case(NamedTuple):
    """A span, by what is special about it."""

    attributes: dict[str, Any]
    events: tuple[tuple[str, dict[str, Any]], ...] = ()


MESSAGES = json.dumps([{"role": "user", "content": "What is 2 + 2?"}])
ANSWER = json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "4"}]}])
OPENAI_REQUEST = json.dumps(
    {
        "model": "gpt-4o",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "What is 2 + 2?"}]},
            {"role": "assistant", "content": "4"},
        ],
    }
)
OPENAI_RESPONSE = json.dumps(
    {"model": "gpt-4o-2024-08-06", "choices": [{"message": {"role": "assistant", "content": "4"}}]}
)

CASES: dict[str, Case] = {
    # Nothing to translate.
    "no attributes": Case({}),
    "plain values": Case(
        {
            "text": "t",
            "integer": -5,
            "double": 0.5,
            "true": True,
            "list": [1, 2],
            "bytes": b"\x00\xff",
            "map": {"a": [{"b": None}]},
            "nothing": None,
        }
    ),
    "JSON in a string": Case({"object": '{"a": 1}', "list": "[1, 2]", "string": '"s"'}),
    "numbers in a string stay a string": Case({"number": "1", "true": "true", "null": "null"}),
    "broken JSON in a string": Case({"object": '{"a": ', "list": "[1, 2", "string": '"s'}),
    "text beyond ASCII": Case({"text": "Grüße \U0001f600", "escape": '"\\u00fc"'}),
    "MLflow's own attributes": Case(
        {
            "mlflow.spanType": '"TOOL"',
            "mlflow.spanInputs": '{"x": 1}',
            "mlflow.spanOutputs": "2",
            "mlflow.traceRequestId": '"tr-chosen"',
        }
    ),
    "MLflow's type beats a convention's": Case(
        {"mlflow.spanType": '"TOOL"', "openinference.span.kind": "LLM"}
    ),
    "a convention's type beats UNKNOWN": Case(
        {"mlflow.spanType": '"UNKNOWN"', "openinference.span.kind": "LLM"}
    ),
    "an OpenAI request and response": Case(
        {"mlflow.spanInputs": OPENAI_REQUEST, "mlflow.spanOutputs": OPENAI_RESPONSE}
    ),
    "a wrapped request": Case(
        {"mlflow.spanInputs": json.dumps({"request": {"input": json.loads(MESSAGES)}})}
    ),
    "a long input": Case({"mlflow.spanInputs": json.dumps("x" * 3000)}),
    "an exception": Case(
        {}, (("exception", {"exception.type": "ValueError", "exception.message": "bad"}),)
    ),
    # OpenInference.
    **{
        f"OpenInference {kind}": Case({"openinference.span.kind": kind})
        for kind in ("LLM", "CHAIN", "RERANKER", "GUARDRAIL", "PROMPT")
    },
    "OpenInference call": Case(
        {
            "openinference.span.kind": "LLM",
            "input.value": MESSAGES,
            "output.value": "4",
            "llm.model_name": "gpt-4o",
            "llm.provider": "openai",
            "llm.token_count.prompt": 10,
            "llm.token_count.completion": 20,
            "llm.token_count.total": 31,
            "llm.token_count.prompt_details.cache_read": 4,
            "llm.token_count.prompt_details.cache_write": 2,
        }
    ),
    "OpenInference embedding": Case(
        {
            "openinference.span.kind": "EMBEDDING",
            "embedding.model_name": "text-embedding-3-small",
            "llm.token_count.prompt": 10,
        }
    ),
    "OpenInference with nothing in it": Case({"input.value": "", "output.value": "{}"}),
    # OpenTelemetry's GenAI.
    **{
        f"GenAI {operation}": Case({"gen_ai.operation.name": operation})
        for operation in ("chat", "embeddings", "execute_tool", "invoke_agent", "generate_content")
    },
    "GenAI unknown operation": Case({"gen_ai.operation.name": "dance"}),
    "GenAI call": Case(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.request.model": "claude-sonnet",
            "gen_ai.response.model": "claude-sonnet-4",
            "gen_ai.input.messages": MESSAGES,
            "gen_ai.output.messages": ANSWER,
            "gen_ai.tool.definitions": '[{"name": "add"}]',
            "gen_ai.usage.input_tokens": 5,
            "gen_ai.usage.output_tokens": 6,
            "gen_ai.usage.cache_read.input_tokens": 3,
            "gen_ai.usage.cache_creation.input_tokens": 1,
        }
    ),
    "GenAI messages as values": Case(
        {"gen_ai.input.messages": [{"role": "user", "parts": []}], "gen_ai.usage.input_tokens": "7"}
    ),
    "GenAI tool": Case(
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.call.arguments": '{"a": 1}',
            "gen_ai.tool.call.result": "3",
        }
    ),
    "GenAI model without operation": Case({"gen_ai.request.model": "m"}),
    "GenAI tokens that are none": Case({"gen_ai.usage.input_tokens": "many"}),
    "GenAI cache tokens by both names": Case(
        {
            "gen_ai.usage.output_tokens": 6,
            "gen_ai.usage.cache_write.input_tokens": 9,
            "gen_ai.usage.cache_creation.input_tokens": 1,
        }
    ),
    "GenAI events": Case(
        {"gen_ai.operation.name": "chat"},
        (
            ("gen_ai.system.message", {"content": "Be brief."}),
            ("gen_ai.user.message", {"content": '{"question": "2 + 2"}'}),
            ("gen_ai.assistant.message", {"content": "?"}),
            ("gen_ai.tool.message", {"content": "ignored"}),
            ("gen_ai.choice", {"content": "4", "role": "assistant"}),
            ("gen_ai.choice", {"content": "four"}),
        ),
    ),
    # Gemini CLI.
    "Gemini CLI call": Case(
        {
            "gen_ai.agent.name": "gemini-cli",
            "gen_ai.operation.name": "llm_call",
            "gen_ai.input.messages": '[{"role": "user", "parts": [{"text": "hi"}]}]',
            "gen_ai.output.messages": '[{"parts": [{"text": "a"}]}, {"parts": [{"text": "b"}]}]',
        }
    ),
    "Gemini CLI prompt": Case(
        {"gen_ai.agent.name": "gemini-cli", "gen_ai.input.messages": "just a text"}
    ),
    "Gemini CLI wrapped already": Case(
        {
            "gen_ai.agent.name": "gemini-cli",
            "gen_ai.operation.name": "agent_call",
            "gen_ai.input.messages": '{"contents": []}',
            "gen_ai.output.messages": '{"candidates": []}',
        }
    ),
    "Gemini CLI answer without parts": Case(
        {"gen_ai.agent.name": "gemini-cli", "gen_ai.output.messages": '["a"]'}
    ),
    # Claude Code.
    "Claude Code interaction": Case(
        {"span.type": "claude_code.interaction", "user_prompt": "Fix it", "new_context": "c"}
    ),
    "Claude Code redacted": Case(
        {"span.type": "interaction", "user_prompt": "<REDACTED>", "new_context": "c"}
    ),
    "Claude Code request": Case(
        {
            "span.type": "llm_request",
            "new_context": "c",
            "response.model_output": "o",
            "input_tokens": 3,
            "output_tokens": "4",
            "cache_read_tokens": 100,
            "cache_creation_tokens": 20,
        }
    ),
    "Claude Code tool": Case(
        {"span.type": "claude_code.tool", "full_command": "ls", "file_path": "<REDACTED>"},
        (("tool.output", {"output": "<REDACTED>", "content": "a\nb"}),),
    ),
    "Claude Code tool with input": Case(
        {"span.type": "tool", "tool_input": '{"a": 1}', "new_context": "done"}
    ),
    "Claude Code of a future version": Case({"span.type": "claude_code.hook", "user_prompt": "p"}),
    # Spring AI.
    "Spring AI": Case(
        {"gen_ai.operation.name": "chat", "gen_ai.system": "openai"},
        (
            ("gen_ai.content.prompt", {"gen_ai.prompt": "Hello"}),
            ("gen_ai.content.completion", {"gen_ai.completion": "Hi"}),
        ),
    ),
    "Spring AI events without texts": Case({}, (("gen_ai.content.prompt", {}),)),
    # Traceloop.
    **{
        f"Traceloop {kind}": Case({"traceloop.span.kind": kind})
        for kind in ("workflow", "task", "agent", "tool", "unknown", "session")
    },
    "Traceloop entity": Case(
        {
            "traceloop.span.kind": "workflow",
            "traceloop.entity.input": '{"args": [1]}',
            "traceloop.entity.output": '"r"',
        }
    ),
    "Traceloop numbered messages": Case(
        {
            "gen_ai.system": "OpenAI",
            "gen_ai.prompt.0.role": "user",
            "gen_ai.prompt.0.content": "",
            "gen_ai.prompt.1.content": "second",
            "gen_ai.completion.0.content": "answer",
            "gen_ai.usage.prompt_tokens": 8,
            "gen_ai.usage.completion_tokens": 9,
            "llm.usage.total_tokens": 20,
        }
    ),
    "Traceloop tool call": Case({"gen_ai.completion.0.tool_calls.0.arguments": '{"a": 1}'}),
    # Google ADK.
    "Google ADK": Case(
        {
            "gcp.vertex.agent.llm_request": '{"model": "gemini-2.0", "contents": []}',
            "gcp.vertex.agent.llm_response": '{"content": {}}',
        }
    ),
    "Google ADK tool": Case(
        {
            "gcp.vertex.agent.llm_request": "{}",
            "gcp.vertex.agent.tool_call_args": '{"city": "Rome"}',
            "gcp.vertex.agent.tool_response": '{"temperature": 20}',
        }
    ),
    # Vercel's AI SDK.
    "Vercel AI text": Case(
        {
            "ai.operationId": "ai.generateText",
            "ai.prompt": '{"prompt": "hi"}',
            "ai.response.text": "o",
        }
    ),
    "Vercel AI call": Case(
        {
            "ai.operationId": "ai.generateText.doGenerate",
            "ai.prompt.messages": '[{"role":"user","content":[{"type":"text","text":"hi"}]}]',
            "ai.prompt.tools": ['{"type":"function","name":"f"}'],
            "ai.response.text": "o",
            "ai.response.finishReason": "stop",
            "gen_ai.usage.input_tokens": 1,
            "gen_ai.usage.output_tokens": 2,
        }
    ),
    "Vercel AI stream": Case({"ai.operationId": "ai.streamText.doStream"}),
    "Vercel AI tool": Case(
        {
            "ai.operationId": "ai.toolCall",
            "ai.toolCall.args": '{"a":1}',
            "ai.toolCall.result": '{"b":2}',
        }
    ),
    "Vercel AI embedding": Case(
        {"ai.operationId": "ai.embedMany", "ai.values": ['"a"', '"b"'], "ai.embeddings": ["[0.1]"]}
    ),
    # VoltAgent.
    "VoltAgent agent": Case(
        {
            "entity.type": "agent",
            "voltagent.operation_id": "1",
            "agent.messages": MESSAGES,
            "output": "4",
            "usage.prompt_tokens": 1,
            "usage.completion_tokens": 2,
            "usage.total_tokens": 4,
        }
    ),
    "VoltAgent model": Case(
        {
            "span.type": "llm",
            "entity.type": "agent",
            "llm.messages": MESSAGES,
            "llm.usage.prompt_tokens": 3,
            "llm.usage.completion_tokens": 4,
        }
    ),
    "VoltAgent memory": Case({"span.type": "memory", "input": "i", "voltagent.conversation_id": 1}),
    # LiveKit.
    "LiveKit turn": Case(
        {"lk.agent_name": "a", "lk.user_input": "hello", "lk.response.text": "good day"}
    ),
    "LiveKit model": Case({"gen_ai.request.model": "gpt-4o", "lk.chat_ctx": '{"items": []}'}),
    "LiveKit tool": Case({"lk.function_tool.name": "f", "lk.response.function_calls": "[1]"}),
    "LiveKit speech": Case({"lk.tts_node": 1, "lk.input_text": "say"}),
    "LiveKit operation": Case({"gen_ai.operation.name": "CHAT", "lk.room_name": "r"}),
    # Laminar.
    "Laminar model": Case(
        {
            "lmnr.span.type": "LLM",
            "lmnr.span.input": '[{"role": "user", "content": "hi"}]',
            "lmnr.span.output": '"o"',
            "gen_ai.system": "openai",
            "gen_ai.response.model": "gpt-4o",
        }
    ),
    **{
        f"Laminar {kind}": Case({"lmnr.span.type": kind})
        for kind in ("DEFAULT", "EXECUTOR", "HUMAN_EVALUATOR", "CACHED", "OTHER")
    },
    # Langfuse.
    "Langfuse generation": Case(
        {
            "langfuse.observation.type": "generation",
            "langfuse.observation.input": '{"q": 1}',
            "langfuse.observation.output": "a",
        }
    ),
    **{
        f"Langfuse {kind}": Case({"langfuse.observation.type": kind})
        for kind in ("embedding", "retriever", "span", "event")
    },
    # Costs.
    **{
        f"the cost of {provider} {model}": Case(
            {
                "mlflow.llm.model": model,
                "mlflow.llm.provider": provider,
                "mlflow.chat.tokenUsage": {
                    "input_tokens": 1000,
                    "output_tokens": 500,
                    "total_tokens": 1500,
                    "cache_read_input_tokens": 300,
                    "cache_creation_input_tokens": 200,
                    "cache_creation_input_tokens_above_1hr": 50,
                },
            }
        )
        for provider, model in (
            ("openai", "gpt-4o"),
            ("OpenAI", "openai/gpt-4o-mini"),
            ("anthropic", "claude-sonnet-4-5"),
            ("anthropic", "claude-opus-4-1"),
            ("", "gpt-4o"),
            ("", "databricks-claude-sonnet-4"),
            ("nobody", "gpt-4.1"),
            ("../../etc/passwd", "gpt-4.1"),
            ("openai", "no-such-model"),
            ("openai", "gateway:/mine"),
        )
    },
    "no cost without tokens": Case(
        {"mlflow.llm.model": "gpt-4o", "mlflow.chat.tokenUsage": {"input_tokens": 0}}
    ),
    "the client's cost": Case(
        {
            "mlflow.llm.model": "gpt-4o",
            "mlflow.chat.tokenUsage": {"input_tokens": 5},
            "mlflow.llm.cost": {"total_cost": 1.5},
        }
    ),
    # Several conventions at once: the first in MLflow's order counts.
    "OpenInference and Traceloop": Case(
        {
            "openinference.span.kind": "CHAIN",
            "traceloop.span.kind": "task",
            "traceloop.entity.input": '"t"',
            "input.value": "o",
            "llm.token_count.total": 3,
            "gen_ai.usage.prompt_tokens": 8,
        }
    ),
    "the model of the inputs": Case({"input.value": '{"model": "m-1"}', "output.value": "{}"}),
    "the model of the outputs": Case({"output.value": '{"model": "m-2"}'}),
    "a model that is no name": Case({"input.value": '{"model": {"a": 1}}'}),
}
