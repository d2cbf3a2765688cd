"""ownertag as a user has it: its wheel in a virtual environment of its own, which knows of no clone."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

PRODUCT = Path(__file__).parents[1] / "requirements" / "product.txt"


class Installed:
    """A virtual environment with a wheel of ownertag.

    Args:
        folder: Where it is made.
        wheel: The wheel.
        shared: Take the dependencies of this environment, which takes no time; else they are installed by the lock.
    """

    def __init__(self, folder: Path, wheel: Path, *, shared: bool) -> None:
        self.folder = folder
        venv.create(folder, with_pip=False)
        if shared:
            # A folder that is added so is searched, but the .pth files in it are not read: the clone's is one of them.
            [packages] = (folder / "lib").glob("*/site-packages")
            (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n", "utf-8")
        else:
            self._pip("--require-hashes", "--no-deps", "-r", str(PRODUCT))
        self._pip("--no-deps", "--no-index", str(wheel))

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def ownertag(self) -> Path:
        """Its command."""
        return self.folder / "bin" / "ownertag"

    def _pip(self, *options: str) -> None:
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--quiet", *options], check=True)
