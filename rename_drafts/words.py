"""Words in every text file: Sids, flags, metrics, output. Then texts of single files (data/texts/*.txt)."""
from __future__ import annotations

import re
from pathlib import Path

from lib import note, rename_members, rename_refs, tracked, write

HERE = Path(__file__).parent
SKIP = {".svg", ".png", ".gz", ".zip", ".lock", ".sha256"}


def _texts(globs: list[str]) -> list[Path]:
    out = []
    for p in tracked(*globs):
        if p.suffix in SKIP or p.name == "package-lock.json" or p.parts[0] == "requirements":
            continue
        out.append(p)
    return out


def everywhere() -> None:
    rules = []
    for line in (HERE / "data/words.txt").read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        globs, old, new = line.split("\t")
        rules.append((globs.strip(), old, new, [0]))
    cache: dict[str, set[Path]] = {}
    for globs, *_ in rules:
        if globs not in cache:
            cache[globs] = set(_texts([] if globs == "*" else globs.split()))
    for path in sorted(set().union(*cache.values())):
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        new_text = text
        for globs, old, new, count in rules:
            if path in cache[globs]:
                new_text, n = re.subn(old, new, new_text)
                count[0] += n
        if new_text != text:
            write(path, new_text)
    for globs, old, new, count in rules:
        if not count[0]:
            note(f"words: nowhere: {old} ({globs})")


def members() -> None:
    """`globs old new [param]`: attributes, keywords and members of classes; with `param` parameters and locals too."""
    for line in (HERE / "data/members.txt").read_text().splitlines():
        line = line.partition("#")[0].strip()
        if not line:
            continue
        globs, old, new, *more = line.split()
        n = 0
        for path in tracked(*globs.split(",")):
            text = path.read_text("utf-8")
            if not re.search(rf"\b{old}\b", text):
                continue
            result, m = rename_members(text, old, new)
            n += m
            if more:
                result, k, problem = rename_refs(
                    result, lambda a, r: new if r.name == old and (s := a.resolved(r)) is not None and s.kind != "module" and s.kind != "class" else None)
                n += k
                if problem:
                    note(f"members: {path}: {old} -> {new}: {problem}")
                    continue
                # the words about a parameter
                result = re.sub(rf"(?m)^(\s+){old}: (?=[A-Z`])", rf"\1{new}: ", result)
                result = result.replace(f"`{old}`", f"`{new}`")
            if result != text:
                write(path, result)
        if not n:
            note(f"members: nowhere: {old} ({globs})")


def texts() -> None:
    done = gone = 0
    for data in sorted((HERE / "data/texts").glob("*.txt")):
        path: Path | None = None
        for block in re.split(r"\n(?=@@ )", "\n" + data.read_text("utf-8")):
            if not block.strip():
                continue
            head, _, body = block.strip("\n").partition("\n")
            path = Path(head.removeprefix("@@ ").strip())
            for pair in re.split(r"\n*^----$\n*", body, flags=re.M):
                if not pair.strip():
                    continue
                old, arrow, new = pair.strip("\n").partition("\n=>\n")
                if not arrow:
                    note(f"texts: {data.name}: no arrow: {pair[:60]!r}")
                    continue
                if not path.exists():
                    note(f"texts: no file {path}")
                    break
                text = path.read_text("utf-8")
                # the same words, however they are wrapped
                pattern = r"\s+".join(re.escape(w) for w in old.split())
                m = re.search(pattern, text)
                if not m:
                    gone += 1
                    note(f"texts: {path}: gone: {' '.join(old.split())[:70]}")
                    continue
                write(path, text[: m.start()] + new + text[m.end():])
                done += 1
    print(f"  texts: {done} replaced, {gone} gone")


def run() -> None:
    members()
    everywhere()
    texts()
