"""Move pages of docs/ and put every link and path right: python relink.py CLONE. Safe to run again after a merge.

Pages that stand at an old place (added by somebody else meanwhile) are moved; relative links in Markdown are computed anew,
also in pages that were moved before but got a link of the old kind; paths written in full in code and pages are replaced.
"""
from __future__ import annotations
import os, re, subprocess, sys
from pathlib import Path

ROOT = Path(sys.argv[1]).resolve()
FILES = {
    "docs/why/policies.md": "docs/explanation/policies.md",
    "docs/why/load.md": "docs/explanation/load.md",
    "docs/why/article.md": "docs/explanation/article.md",
    "docs/scale.md": "docs/explanation/scale.md",
    "docs/invariants.md": "docs/explanation/invariants.md",
}
FOLDERS = {"docs/decisions": "docs/explanation/decisions", "docs/why": "docs/explanation"}


def new(path: str) -> str:
    if path in FILES:
        return FILES[path]
    for old, to in FOLDERS.items():
        if path == old or path.startswith(old + "/"):
            return to + path[len(old):]
    return path


def old_of(path: str) -> list[str]:
    """Where a page may have stood before."""
    found = [old for old, to in FILES.items() if to == path]
    found += [old + path[len(to):] for old, to in FOLDERS.items() if path.startswith(to + "/")]
    return [path, *found]


git = lambda *args: subprocess.run(["git", "-C", str(ROOT), *args], check=True, capture_output=True, text=True).stdout
for name in git("ls-files", "docs").splitlines():
    if new(name) != name:
        (ROOT / new(name)).parent.mkdir(parents=True, exist_ok=True)
        git("mv", name, new(name))

tracked = [name for name in git("ls-files").splitlines() if (ROOT / name).is_file() and not name.endswith((".lock", "-lock.json"))]
LINK = re.compile(r"(\]\()([^)#\s]+)([^)]*\))")


def fix(name: str, text: str) -> str:
    def link(match: re.Match[str]) -> str:
        target = match[2]
        if "://" in target or target.startswith("mailto:"):
            return match[0]
        if (ROOT / name).parent.joinpath(target).exists():
            return match[0]
        for base in old_of(name):
            full = os.path.normpath(os.path.join(os.path.dirname(base), target))
            if (ROOT / new(full)).exists():
                return match[1] + os.path.relpath(new(full), os.path.dirname(name) or ".") + match[3]
        print(f"{name}: broken: {target}")
        return match[0]

    if name.endswith(".md"):
        text = LINK.sub(link, text)
    if name in ("CHANGELOG.md",) :
        return text
    for old, to in FILES.items():
        text = text.replace(old, to)
    text = re.sub(r"(?<![\w/])docs/decisions\b", "docs/explanation/decisions", text)
    return text


for name in tracked:
    path = ROOT / name
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        continue
    fixed = fix(name, text)
    if fixed != text:
        path.write_text(fixed, "utf-8")
        print("changed", name)
