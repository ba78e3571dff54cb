"""Strategies of Gemini's wires, requests and answers: well-formed ones, odd ones, and any JSON at all."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from plcli.media import MediaRef, digest_of
from plcli.request import (
    Audio,
    BuiltinTool,
    File,
    FunctionTool,
    Image,
    Message,
    Native,
    Output,
    Request,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from tests.property.wires import constant, counts, json_values, leaves, long_words, names, numbers, objects, words

Json = Any

ids = st.sampled_from(["f1", "f2", "f3"])
schemas = st.sampled_from([{"type": "object"}, {"type": "object", "properties": {"city": {"$ref": "#/$defs/c"}}}])


def blobs(*mimes: str) -> Any:
    """Media as the log lifts them out of `inlineData`: the type is the one that is said, or another one."""
    return st.builds(
        lambda data, mime, other, encoding, padded: {
            "mimeType": mime,
            "data": MediaRef(digest_of(data), other or mime, encoding, None, padded),
        },
        st.binary(max_size=3),
        st.sampled_from(mimes),
        st.none() | st.just("application/octet-stream"),
        st.sampled_from(["base64", "base64url"]),
        st.booleans(),
    )


media = blobs("image/png", "application/pdf", "audio/wav", "audio/mpeg", "odd")
arguments = st.dictionaries(words, leaves, max_size=2)
outputs = words | arguments | st.sampled_from(['{"a":1}', '{"a": 1}', "[1]", 1, None])

# Wires

calls = objects({"name": names, "args": arguments}, id=ids)
results = objects(
    {"name": names, "response": objects({}, output=outputs, error=words | json_values)},
    id=ids,
    parts=st.lists(objects({"inlineData": media}), max_size=2),
)
parts = st.one_of(
    objects({"text": words}, thought=st.booleans(), thoughtSignature=words),
    objects({"inlineData": media | json_values}),
    objects({"functionCall": calls}, thoughtSignature=words),
    objects({"functionResponse": results}),
    objects({"fileData": objects({"fileUri": words}, mimeType=words)}),
    objects({"executableCode": objects({"language": constant("PYTHON"), "code": words})}),
    json_values,
)
contents = st.one_of(
    objects({"role": st.sampled_from(["user", "model"]), "parts": st.lists(parts, max_size=3)}),
    objects({"role": constant("user"), "parts": st.lists(objects({"functionResponse": results}), max_size=3)}),
    objects({"parts": st.lists(parts, max_size=2)}, role=words),
    json_values,
)
declarations = objects({"name": names}, description=words, parametersJsonSchema=schemas, parameters=schemas)
tools = st.one_of(
    objects({"functionDeclarations": st.lists(declarations, max_size=3)}),
    objects({}, googleSearch=objects({}), url_context=objects({}), fileSearch=objects({"topK": numbers}, type=words)),
    json_values,
)
modes = st.sampled_from(["AUTO", "NONE", "ANY", "VALIDATED", "any"])
wires = objects(
    {},
    contents=st.lists(contents, max_size=5),
    systemInstruction=words | objects({"parts": st.lists(parts, max_size=2)}, role=words),
    tools=st.lists(tools, max_size=3),
    toolConfig=objects(
        {},
        functionCallingConfig=objects({"mode": modes}, allowedFunctionNames=st.lists(names | leaves, max_size=2)),
        retrievalConfig=json_values,
    ),
    generationConfig=objects(
        {},
        temperature=numbers,
        topK=numbers,
        maxOutputTokens=numbers,
        stopSequences=words | st.lists(words, max_size=2),
        thinkingConfig=objects(
            {},
            thinkingLevel=st.sampled_from(["LOW", "XHIGH", "low", "MAX"]),
            thinkingBudget=st.sampled_from([0, -1, 0.0, False, None]),
            includeThoughts=st.booleans(),
        ),
        responseMimeType=st.sampled_from(["application/json", "text/plain"]),
        responseJsonSchema=schemas,
        responseModalities=st.sampled_from([["TEXT", "IMAGE"], ["IMAGE"], []]),
        imageConfig=objects({}, aspectRatio=words, n=numbers),
        candidateCount=numbers,
    ),
    serviceTier=words,
    store=st.booleans(),
    safetySettings=json_values,
    model=words,
)

# Requests

refs = st.builds(MediaRef, st.binary(max_size=3).map(digest_of), st.just("image/png"),
                 st.sampled_from(["base64", "data-url", "base64url"]))  # fmt: skip
texts = st.builds(Text, words)
pictures = st.builds(Image, refs)
documents = refs.map(lambda ref: File(MediaRef(ref.digest, "application/pdf", ref.encoding), "a.pdf"))
sounds = refs.map(lambda ref: Audio(MediaRef(ref.digest, "audio/wav"), "wav"))
natives = st.builds(Native, objects({"fileData": objects({"fileUri": words})}))
foreign_contents = st.builds(Native, st.builds(lambda parts: {"parts": parts}, st.lists(json_values, max_size=2)))
foreign_parts = st.builds(Native, json_values | parts)
spoken = st.one_of(
    texts, pictures, natives, st.builds(ToolCall, st.none() | ids, names, arguments | st.just('{"a": 1}'))
)
answers = st.builds(
    ToolResult,
    st.none() | ids,
    words
    | st.sampled_from(['{"a":1}', '{"error":"x"}', '{"error":[1]}'])
    | st.lists(texts | pictures, max_size=3).map(tuple),
    names,
)


def messages(role: str, *parts: Any, least: int = 0) -> Any:
    """Messages of a role with some of these parts."""
    return st.builds(Message, st.just(role), st.lists(st.one_of(*parts), min_size=least, max_size=3).map(tuple))


turns = st.lists(
    st.one_of(
        messages("user", texts, pictures, documents, sounds, natives),
        messages("assistant", spoken),
        messages("tool", answers, least=1),
        messages("user", foreign_contents, least=1),
    ),
    max_size=5,
)
systems = st.lists(messages("system", texts) | messages("developer", texts, natives), max_size=2)
functions = st.builds(FunctionTool, names, st.none() | words, st.none() | schemas, st.none() | st.booleans())
builtins = st.builds(
    BuiltinTool,
    objects({"type": st.sampled_from(["google_search", "url_context", "codeExecution", "retrieval"])}).filter(
        lambda item: item["type"] in ("google_search", "url_context", "codeExecution", "retrieval")
    ),
)
params = st.fixed_dictionaries(
    {},
    optional={
        "temperature": numbers,
        "top_p": numbers,
        "top_k": st.integers(1, 9),
        "max_output_tokens": st.integers(1, 9),
        "stop": words | st.lists(words, max_size=2),
        "seed": st.integers(0, 9),
        "presence_penalty": numbers,
        "reasoning_effort": st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh"]),
        "service_tier": words,
    },
)
requests = st.builds(
    lambda **fields: Request(**fields),
    provider=st.just("gemini"),
    api=st.just("generate_content"),
    model=st.just("m"),
    messages=st.builds(lambda first, rest: (*first, *rest), systems, turns),
    tools=st.lists(functions | builtins, max_size=4).map(tuple),
    tool_choice=st.none()
    | st.builds(ToolChoice, st.sampled_from(["auto", "none", "required"]), st.lists(names, max_size=2).map(tuple)),
    parallel_tool_calls=st.none() | st.just(True),
    output=st.none()
    | st.builds(lambda name, schema, strict: Output(name, schema, strict), words, schemas, st.none() | st.booleans()),
    params=params,
    image=st.none() | st.dictionaries(st.sampled_from(["aspectRatio", "imageSize"]), words, max_size=2),
)

# Answers

answer_parts = st.one_of(
    st.fixed_dictionaries({"text": long_words}, optional={"thoughtSignature": words}),
    st.fixed_dictionaries({"text": long_words, "thought": st.just(True)}),
    st.fixed_dictionaries(
        {"functionCall": st.fixed_dictionaries({"name": names, "args": arguments}, optional={"id": ids})},
        optional={"thoughtSignature": words},
    ),
    st.fixed_dictionaries({"inlineData": blobs("image/png", "audio/wav")}, optional={"thought": st.just(True)}),
    st.just({"fileData": {"mimeType": "image/png", "fileUri": "https://x/y.png"}}),
    st.fixed_dictionaries({"executableCode": st.just({"language": "PYTHON", "code": "1"})}),
)
reasons = st.sampled_from(
    ["STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "NO_IMAGE", "MALFORMED_FUNCTION_CALL", "CONTINUATION", "NEW_REASON"]
)
candidates = st.fixed_dictionaries(
    {
        "content": st.fixed_dictionaries(
            {"parts": st.lists(answer_parts, min_size=1, max_size=4), "role": st.just("model")}
        ),
        "finishReason": reasons,
    },
    optional={
        "finishMessage": words,
        "groundingMetadata": st.just({"webSearchQueries": ["q"], "groundingChunks": [{"web": {"uri": "u"}}]}),
        "citationMetadata": st.just({"citationSources": [{"uri": "u"}]}),
        "safetyRatings": st.just([{"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW", "blocked": True}]),
    },
)
bodies = st.fixed_dictionaries(
    {
        "candidates": st.lists(candidates, min_size=1, max_size=2).map(
            lambda listed: [{**candidate, "index": index} for index, candidate in enumerate(listed)]
        ),
        "usageMetadata": st.fixed_dictionaries(
            {"promptTokenCount": counts, "totalTokenCount": counts},
            optional={"candidatesTokenCount": counts, "thoughtsTokenCount": counts, "trafficType": words},
        ),
        "modelVersion": st.just("m-2026"),
        "responseId": st.just("r"),
    },
    optional={"promptFeedback": st.just({"safetyRatings": []})},
)

# Hostile answers

partial_args = json_values | st.lists(
    objects(
        {},
        jsonPath=st.sampled_from(["$.a", "$.a.b", "$.a[0]", "$.a[1].b", "$[0]", "$", "a", "$['x y']", "$.a[99]"]),
        stringValue=json_values,
        numberValue=json_values,
        boolValue=json_values,
        nullValue=json_values,
        willContinue=json_values,
    ),
    max_size=3,
)
hostile_parts = json_values | objects(
    {},
    text=json_values,
    thought=json_values,
    inlineData=json_values | objects({}, mimeType=json_values | st.just("image/png"), data=json_values | refs),
    functionCall=json_values
    | objects({}, name=json_values, args=json_values, id=json_values, partialArgs=partial_args, willContinue=leaves),
)
hostile_candidates = json_values | objects(
    {},
    index=json_values,
    content=json_values | objects({}, role=json_values, parts=json_values | st.lists(hostile_parts, max_size=3)),
    finishReason=json_values | reasons,
    finishMessage=json_values,
    safetyRatings=json_values,
    groundingMetadata=json_values,
    citationMetadata=json_values,
    logprobsResult=json_values,
)
hostile_bodies = json_values | objects(
    {},
    candidates=json_values | st.lists(hostile_candidates, max_size=2),
    promptFeedback=json_values | objects({}, blockReason=json_values, safetyRatings=json_values),
    usageMetadata=json_values | objects({}, promptTokenCount=json_values, promptTokensDetails=json_values),
    modelVersion=json_values,
    error=json_values,
)
