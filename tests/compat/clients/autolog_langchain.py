"""LangChain with `mlflow.langchain.autolog()`: a chain, a stream, a tool and an agent's loop as trees of spans."""

import mlflow
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from mlflow.tracking import MlflowClient
from model_api import model_api
from scenario import log_traces_synchronously, new_experiment

SINCE = "3"
USED = {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
log_traces_synchronously()
client = MlflowClient()
experiment_id = new_experiment("langchain")
mlflow.langchain.autolog()


def last():
    """Return the newest trace, and its spans by their names."""
    [found] = client.search_traces([experiment_id], max_results=1)
    read = client.get_trace(found.info.trace_id)
    return read, {span.name: span for span in read.data.spans}


@tool
def price(fruit: str) -> str:
    """Tell what a fruit costs."""
    return f"{fruit}: 3"


with model_api() as url:
    model = ChatOpenAI(model="gpt-4o-mini", base_url=url, api_key="none", max_retries=0)
    prompt = ChatPromptTemplate.from_messages([("system", "Be brief."), ("user", "{question}")])
    chain = prompt | model | StrOutputParser()

    assert chain.invoke({"question": "What are äpples?"}) == "Apples are rot."
    trace, spans = last()
    root = spans["RunnableSequence"]
    assert (root.parent_id, root.span_type) == (None, "CHAIN"), root
    assert (root.inputs, root.outputs) == ({"question": "What are äpples?"}, "Apples are rot.")
    assert set(spans) == {"RunnableSequence", "ChatPromptTemplate", "ChatOpenAI", "StrOutputParser"}
    chat = spans["ChatOpenAI"]
    assert (chat.parent_id, chat.span_type) == (root.span_id, "CHAT_MODEL"), chat
    assert chat.get_attribute("mlflow.chat.tokenUsage") == USED, chat.attributes
    assert trace.info.token_usage == USED, trace.info

    assert "".join(chain.stream({"question": "And pears?"})) == "Apples are rot."
    trace, spans = last()
    assert spans["RunnableSequence"].outputs == "Apples are rot.", spans
    assert spans["ChatOpenAI"].parent_id == spans["RunnableSequence"].span_id, spans

    def act(question):
        """Ask the model, call the tool that it names, and ask again with its answer."""
        able = model.bind_tools([price])
        said = able.invoke(question)
        result = price.invoke(said.tool_calls[0])
        return able.invoke([("user", question), said, result]).content

    assert RunnableLambda(act, name="agent").invoke("What does an apple cost?") == "Apples are rot."
    trace, spans = last()
    assert (spans["price"].span_type, spans["price"].parent_id) == ("TOOL", spans["agent"].span_id)
    assert [span.span_type for span in trace.data.spans].count("CHAT_MODEL") == 2, spans
    assert "price" in str(trace.data.spans[1].outputs), trace.data.spans[1]
    assert trace.info.token_usage["total_tokens"] == 36, trace.info

    broken = ChatOpenAI(model="busy", base_url=url, api_key="none", max_retries=0)
    try:
        (prompt | broken).invoke({"question": "?"})
    except Exception as error:
        assert "too busy" in str(error), error
    else:
        raise AssertionError
    trace, spans = last()
    assert trace.info.state == "ERROR", trace.info
    assert spans["ChatOpenAI"].status.status_code == "ERROR", spans["ChatOpenAI"]

    assert (
        chain.batch([{"question": str(number)} for number in range(4)]) == ["Apples are rot."] * 4
    )

assert len(client.search_traces([experiment_id])) == 8
assert len(client.search_traces([experiment_id], "span.name = 'price'")) == 1
