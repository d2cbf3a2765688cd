"""Reads `ownertag.toml` into checked `Settings`: the same for the command line, render and the Lambda.

What is wrong is refused, all of it at once, each fault with its file and line and what would be right; nothing is
guessed. What looks for the faults is imported where there are some: the function starts without it.
"""

from __future__ import annotations

import msgspec

from ownertag.core.settings import Settings, SettingsError
from ownertag.core.settings_checks import problems

#: Settings have not so many bytes: a log or a device by this name is not read to its end.
MOST_BYTES = 16 * 1024 * 1024


def settings_text(content: bytes, where: str) -> str:
    r"""Returns the text of a settings file. A mark that says UTF-8, and `\r\n` at the ends of lines, are Windows' ways.

    Args:
        content: The file's content.
        where: Its name, for messages.

    Raises:
        SettingsError: It is no text, or not in UTF-8; the message says what it is.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text or len(content) > MOST_BYTES:
        from ownertag.core.settings_foreign import foreign_bytes  # noqa: PLC0415 - only where there is a fault

        raise SettingsError(foreign_bytes(content, where))
    return text.replace("\r\n", "\n")


def read_settings(text: str, where: str) -> Settings:
    """Returns the settings that a TOML text holds.

    Args:
        text: The file's content.
        where: Its name, for messages.

    Raises:
        SettingsError: With a line for each fault: file and line, what is wrong and what would be right.
    """
    text = text.removeprefix("\ufeff")
    try:
        settings = msgspec.convert(msgspec.toml.decode(text), Settings)
        if next(problems(settings), None) is None:
            return settings
    except (msgspec.DecodeError, RecursionError):  # a ValidationError is a DecodeError as well
        pass
    from ownertag.core.settings_faults import faults_of  # noqa: PLC0415 - only where there is a fault

    raise SettingsError(faults_of(text, where))
