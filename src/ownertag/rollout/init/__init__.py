"""The first settings of an organization: `read` asks AWS, `questions` has what a person decides, `settings` joins them.

The text of the file is `render.first_settings`; nothing here writes a file or asks anybody.
"""
