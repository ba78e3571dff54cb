"""plcli: a playground for LLM requests that lives in a git repository.

The floor plan. Imports go down only. Rooms on one floor do not know each other, except that in
`a < b` the room b may use a, and all that a may use there. A package is a room; the lines below the
floors say the same of its own rooms. `tests/meta/test_floors.py` reads this plan and holds every
import against it.

    6  DOORS       session < running
                   options, completion, inputs, running < commands < app < __main__
    5  WINDOW      render
    4  MACHINERY   conversation < ingredients < resolve; spec_rules < expectation_rules
                   conversation, expectation_rules < request_rules
                   resolve, request_rules < validate; connect < engine; resolve, expect, engine < runs
    3  KEEPERS     rejections < schemas < published; fence, schemas < workspace < modelrefs, toolbox
                   disk < mediastore; disk < lines < runlog; runids < runlog
    2  MATERIALS   jsontext, yaml12 < documents; conformance, yaml12 < variables; documents, variables < rows
                   meter < primitives < jinja_syntax < jinja < templates
                   regexes, jsonschemas < conformance < matchers
                   address < environment < trust; keyshapes < redact; prices; git; plaintext
    W  PROVIDERS   providers
    1  VOCABULARY  media < request; media, response < exchange, failures; response < records
                   exchange, records < traffic; specs
    0  FOUNDATION  cancel; docstrings; errors; interrupts; paths; places; spelling

    commands       log; run; schema; validate
    render         screen < problems, table, live, answer, details; problems < errors; answer < card
    providers      registry, answer < transport < openai_client
                   roundtrip < params; openai_strict, roundtrip < openai_header
                   answer < openai_turns; openai_turns, reading < openai_reading
                   openai_client, openai_header, openai_reading, openai_tools, params < openai_chat, openai_responses
                   answer, openai_chat_answer < openai_chat_stream; openai_reading < openai_chat_answer
                   openai_turns, roundtrip, turns < openai_chat_messages, openai_responses_items
                   openai_chat_messages, openai_chat_stream < openai_chat
                   openai_reading < openai_responses_answer, openai_responses_stream
                   openai_responses_answer, openai_responses_items, openai_responses_stream < openai_responses
                   roundtrip < echo_turns; registry < echo_script; echo_answer, echo_script, echo_turns < echo
    specs          closed < expectations < tool < request < model; closed < workspace
"""

__version__ = "0.1.0"
