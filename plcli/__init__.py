"""plcli: a playground for LLM requests that lives in a git repository.

The floor plan. Imports go down only. Rooms on one floor do not know each other, except that in
`a < b` the room b may use a, and all that a may use there. A package is a room; the lines below the
floors say the same of its own rooms. `tests/meta/test_floors.py` reads this plan and holds every
import against it.

    6  DOORS       session < running < pacing, conducting < several; session < toolterms; running, toolterms < talk
                   several, inputs, toolterms < orders; orders, talk < continued; talk < saving
                   openers < picturefiles < running; editing < commands; session < selecting; running < archives
                   archives, conducting, pacing, selecting, toolterms < replays < commands
                   options, commandtable, completion, continued, lineeditor, saving < commands < app < __main__
    5  WINDOW      render
    4  MACHINERY   conversation < ingredients, modelchoice < resolve
                   crossing < picture_crossing < moving < resolve
                   spec_rules < expectation_rules, stub_rules < validate; handler_rules < validate
                   conversation, expectation_rules < request_rules; toolfacts, validate < toolcheck
                   ingredients, tooluse < toolfacts; scaffold, spec_rules < toolwriting < toolimport
                   ingredients < drawing < overrides < resolve; connect, modeluse < modelfacts
                   resolve, request_rules < validate; recall < connect < engine; resolve, engine < modelcheck
                   ingredients, policies < answering; engine < delivery; delivery, answering < rounds
                   resolve, expect, rounds < runs < tally, runrecords, standing
                   loggedwires, resolve < resending, remaking; resending, standing < continuing
                   batch; resolve < unfinished; drafts, resolve < respec
                   remaking, resending, snapshots < diffing; compare, diffing, outcomes < judging
                   continuing, expecting, remaking, respec, snapshots < replaying
                   canonical, expect < observing < checks; observing < outcomes; checks, runs < compare
                   canonical < agreement; loggedwires, observing, runs < expecting
                   diffing, respec < reopening; delivery, expect, moving < imports; connect < exports
    3  KEEPERS     rejections < schemas < published; fence, schemas < workspace < modelrefs, toolbox
                   model_rules < modelrefs; fence < sources; workspace, sources < toolresults
                   disk < mediastore, copies; disk < lines < runlog < recordings; runids < runlog
                   workspace < schemalines < spectexts; mediastore, runlog < keeping
                   disk, toolbox < stubwriting; toolbox < handling, stubanswers
    2  MATERIALS   jsontext, yaml12 < documents; conformance, yaml12 < variables; documents, variables < rows
                   layout < tomltext; layout, yaml12 < yamltext; documents < comments
                   tomltext, yamltext, comments < writing
                   meter < primitives < jinja_syntax < jinja < templates
                   regexes, jsonschemas < conformance < matchers < stubs, loggedanswers
                   conformance, yaml12 < toolfit
                   matchers < conditions < filters; matchers, writing < insertion; writing < inplace
                   strictness; functions; declarations; wireshapes; outlines
                   address < environment < trust; keyshapes < redact < record_secrets
                   prices; git < revisions; pace; plaintext; workflowcommands; rasters, vectors < pixels
                   retirements, picture_table < picture_rules
    W  PROVIDERS   providers
    1  VOCABULARY  media < request, safety; media, response < exchange, failures
                   quotas, safety < errorbodies; errorbodies, refusals, waits < failures
                   request < toolanswers; response, toolanswers < exchangerecords; response < replayrecords
                   exchangerecords, replayrecords < records
                   exchange, records < traffic; specs
    0  FOUNDATION  brevity; cancel; docstrings; errors; extensions; headers; interrupts; paths; places
                   signatures; spelling

    commands       chat; check; convert; diff; image; init; log; logexport; logimport; logkeep; loglist; logshow
                   models; open; replay; run; schema; validate
                   toolcall, toolcheck, toolimport < tools
    render         screen < problems, table, details, progress, calls, graphics; problems < errors
                   calls, graphics, picturefacts < pictures; findings, held, pictures < answer < card
                   runfacts, table < differences
                   graphics < drafts; progress < waiting; calls, drafts, waiting < live
                   table < models; problems, table < tools, toolcheck; answer < comparison
                   differences < held < verdicts
                   picturefacts < page.figures; calls, page.figures < page.blocks < page.asked
                   findings, page.asked, runfacts < page.cards < page
                   reports.sides, reports.values < reports.telling
                   reports.spool, reports.telling, reports.wanted < reports.jsonform, reports.junit
                   reports.telling, reports.wanted, verdicts < reports.markdown
                   problems, reports.markdown < reports.actions
                   reports.actions, reports.jsonform, reports.junit < reports
    replays        tasks < choice
    providers      registry < network; answer, network < transport < incoming; registry < outgoing
                   network < outside; outside, transport < download
                   incoming, outgoing < openai_client, gemini_client; gemini_client < gemini_listing
                   outgoing < google_credentials < gemini_client
                   openai_client < openai_listing; roundtrip < params; openai_strict, roundtrip < openai_header
                   answer < turns; reading, turns < openai_reading
                   openai_client, openai_header, openai_tools, params < openai_chat, openai_responses
                   openai_turns, reading, roundtrip < openai_drawing < openai_responses
                   openai_spellings < openai_chat, openai_responses
                   own_tools < gemini_tools, openai_chat, openai_responses
                   openai_chat_answer < openai_chat_stream; openai_reading < openai_chat_answer
                   registry, turns < loosening
                   loosening, openai_turns, reading, roundtrip < openai_chat_messages, openai_responses_items
                   openai_chat_messages, openai_chat_stream < openai_chat
                   openai_reading < openai_responses_answer, openai_responses_stream
                   openai_turns, reading, turns < openai_responses_waiting
                   openai_responses_waiting < openai_responses_answer, openai_responses_items, openai_responses_stream
                   openai_responses_answer, openai_responses_items, openai_responses_stream < openai_responses
                   openai_reading < openai_images_answer; openai_client, reading < openai_images_form
                   openai_images_answer, roundtrip < openai_images_stream
                   loosening, openai_header, openai_spellings, openai_turns < openai_images
                   openai_images_form, openai_images_stream < openai_images
                   reading, roundtrip, turns < gemini_contents < gemini_tools; reading < gemini_spellings
                   gemini_contents, gemini_spellings, loosening < gemini_loose
                   reading < gemini_calls < gemini_stream; reading < gemini_pictures < gemini_answer, gemini_stream
                   gemini_answer, gemini_client, gemini_loose, gemini_stream, gemini_tools, params < gemini
                   loosening, roundtrip < echo_turns; echo_picture, reading, registry < echo_script
                   echo_answer, echo_script, echo_turns < echo
    snapshots      mirror < committed < states
    diffing        alignment < deltas, linechanges, textchanges; deltas < differing
                   differing, linechanges, precedents, specplaces < evidence < causes < contrasts, drift
                   drift < nearest
    reopening      loggedsources, mediafiles < aswritten; mending; proving < barewires
    handling       python_handler; children, modulefiles < permission; mcp_answers < mcp_http, mcp_stdio
                   children < mcp_stdio; mcp_http < mcp_session; mcp_session, mcp_stdio < mcp_client < handlers
    strictness     keywords < flatschemas < schemaforms < strictly
    functions      annotations, paramdocs < signatures
    exports        connections, literals < clients; losses < addresses, connections < sending
                   sending < curl, batch, promptlayer; clients, fields, sending < python; blueprints < promptlayer
                   connections < jsonl, table
    imports        captured < answers; answers, moments, sites < imported < known; bodies, captured < calls
                   bodies < yamlitems; captured < openfiles < jsonvalues
                   calls, jsonvalues, moments < cassettes, har, pairs; yamlitems < cassettes
                   calls, jsonvalues < batches
                   jsonvalues, moments, rebuilding < blueprints
                   batches, blueprints, cassettes, har, pairs < formats
    specs          closed < expectations < tool < request < model; closed < workspace
"""

__version__ = "0.1.0"
