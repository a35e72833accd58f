"""Every client's dialect before every provider's, in every case that matters.

The SDKs are the official ones, the providers as strict as they are known to
be; one gateway knows all of them. A case is written once, in words of no
dialect, and holds for each pair, plain and streamed.
"""

from suites.matrix import failures, hygiene, scenery, states, talk, thoughts, tools

scene = scenery.scene
# What looks at all that went through comes last.
PARTS = [talk, tools, thoughts, states, failures, hygiene]
