"""The words services say to each other: msgspec structs and the subjects they travel on.

One module per owning service (`identity`, `registry`, `notifications`) and three that all share: `messages` (what a
command, a query and an event are), `actors` (who acts), `decisions` (findings and refusals). Imports msgspec only.

A struct's tag is its address: the command tagged ``registry.open_roster`` travels on ``cmd.registry.open_roster``, the
query ``registry.roster`` on ``qry.registry.roster``, the event ``identity.numbers_issued`` on
``evt.identity.numbers_issued`` in the stream ``IDENTITY``. New fields get defaults, so that old reads new and new old.
"""
