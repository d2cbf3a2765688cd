"""The first settings of an organization.

    facts.py        what was read, or why it could not be
    read.py         reads it, with the caller's credentials
    questions.py    what is left for a person to decide, each with a proposal and the rules of its answer; pure
    compose.py      facts and answers -> the settings of `render.first_settings`, and what else to know; pure

Nothing here writes a file or asks anybody: that is the command's.
"""
