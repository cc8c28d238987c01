"""OpenAI's client with `mlflow.openai.autolog()`: chats, streams, tool calls, embeddings, errors and token usage."""

import asyncio

import mlflow
import openai
from mlflow.tracking import MlflowClient
from model_api import TOOL_CALL, model_api
from scenario import log_traces_synchronously, new_experiment

SINCE = "3"
USED = {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
QUESTION = [{"role": "user", "content": "What are äpples?"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "price",
        "parameters": {"type": "object", "properties": {"fruit": {"type": "string"}}},
    },
}
log_traces_synchronously()
client = MlflowClient()
experiment_id = new_experiment("openai")
mlflow.openai.autolog()


def last():
    """Return the newest trace, by search and by its id."""
    [found] = client.search_traces([experiment_id], max_results=1)
    read = client.get_trace(found.info.trace_id)
    assert [each.to_dict() for each in read.data.spans] == [
        each.to_dict() for each in found.data.spans
    ]
    return read


with model_api() as url:
    api = openai.OpenAI(base_url=url, api_key="none", max_retries=0)

    answer = api.chat.completions.create(model="gpt-4o-mini", messages=QUESTION, temperature=0.5)
    assert answer.choices[0].message.content == "Apples are rot."
    trace = last()
    [span] = trace.data.spans
    assert (span.name, span.span_type) == ("Completions", "CHAT_MODEL"), span
    assert span.inputs == {"model": "gpt-4o-mini", "messages": QUESTION, "temperature": 0.5}
    assert span.outputs["choices"][0]["message"]["content"] == "Apples are rot.", span.outputs
    assert span.get_attribute("mlflow.chat.tokenUsage") == USED, span.attributes
    assert trace.info.token_usage == USED, trace.info
    assert (trace.info.state, trace.info.request_preview) == ("OK", "What are äpples?"), trace.info
    assert trace.info.response_preview == "Apples are rot.", trace.info

    stream = api.chat.completions.create(
        model="gpt-4o-mini",
        messages=QUESTION,
        stream=True,
        stream_options={"include_usage": True},
    )
    assert "".join(each.choices[0].delta.content or "" for each in stream if each.choices)
    trace = last()
    [span] = trace.data.spans
    assert span.outputs["choices"][0]["message"]["content"] == "Apples are rot.", span.outputs
    assert len(span.events) == 6, span.events
    assert trace.info.token_usage == USED, trace.info

    with mlflow.start_span("agent", span_type="AGENT") as agent:
        called = api.chat.completions.create(model="gpt-4o", messages=QUESTION, tools=[TOOL])
        call = called.choices[0].message
        result = {"role": "tool", "tool_call_id": call.tool_calls[0].id, "content": "3"}
        told = [*QUESTION, call.model_dump(exclude_none=True), result]
        api.chat.completions.create(model="gpt-4o", messages=told, tools=[TOOL])
    trace = last()
    root, first, second = trace.data.spans
    assert {first.parent_id, second.parent_id} == {root.span_id}, trace.data.spans
    assert first.get_attribute("mlflow.chat.tools")[0]["function"]["name"] == "price"
    assert first.outputs["choices"][0]["message"]["tool_calls"] == [TOOL_CALL], first.outputs
    assert second.inputs["messages"][2] == result, second.inputs
    assert trace.info.token_usage == {key: 2 * value for key, value in USED.items()}, trace.info

    api.embeddings.create(model="text-embedding-3-small", input="apple")
    [span] = last().data.spans
    assert (span.span_type, span.inputs["input"]) == ("EMBEDDING", "apple"), span

    try:
        api.chat.completions.create(model="busy", messages=QUESTION)
    except openai.BadRequestError:
        pass
    else:
        raise AssertionError
    trace = last()
    [span] = trace.data.spans
    assert (trace.info.state, span.status.status_code) == ("ERROR", "ERROR"), trace.info
    assert "too busy" in str(span.events[0].attributes), span.events

    async def ask():
        """Ask with the asynchronous client, several at once."""
        async with openai.AsyncOpenAI(base_url=url, api_key="none") as asking:
            await asyncio.gather(
                *(
                    asking.chat.completions.create(model="gpt-4o", messages=QUESTION)
                    for _ in range(5)
                )
            )

    asyncio.run(ask())

assert len(client.search_traces([experiment_id])) == 10
assert len(client.search_traces([experiment_id], "span.type = 'CHAT_MODEL'")) == 9
assert len(client.search_traces([experiment_id], "status = 'ERROR'")) == 1
