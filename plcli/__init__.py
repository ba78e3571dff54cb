"""plcli: a playground for LLM requests that lives in a git repository.

The floor plan. Imports go down only; rooms on one floor do not know each other, except that in
`a < b` the room b may use a. `tests/meta/test_floors.py` reads this plan and holds every import
against it.

    6  options < session < commands < app < __main__
    5  render
    4  resolve < validate; compare < expect; connect < engine < batch
    3  schemas < workspace; schemas < toolbox; disk < mediastore; disk, runids < runlog
    2  documents; variables; git; redact; trust; prices; plaintext
    W  providers
    1  media < request; response < failures, records; media, response < exchange; specs; paths; media, exchange, records < traffic
    0  errors
"""

__version__ = "0.1.0"
