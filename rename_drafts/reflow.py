"""Rewrap paragraphs of docstrings and comments that have grown beyond 120 columns."""
from __future__ import annotations

import ast
import io
import re
import textwrap
import tokenize

from lib import note, tracked, write

WIDTH = 120


def _paragraph(lines: list[str], at: int, lo: int, hi: int) -> tuple[int, int]:
    def stops(line: str) -> bool:
        t = line.strip()
        return not t or t.startswith(("|", "- ", "* ", ">>>", "```")) or bool(re.fullmatch(r"(Args|Raises|Returns|Attributes|Yields):", t))

    indent = len(lines[at]) - len(lines[at].lstrip())
    a = at
    while a > lo and not stops(lines[a - 1]) and len(lines[a - 1]) - len(lines[a - 1].lstrip()) == indent:
        a -= 1
    b = at
    while b + 1 < hi and not stops(lines[b + 1]) and len(lines[b + 1]) - len(lines[b + 1].lstrip()) == indent:
        b += 1
    return a, b + 1


def reflow(text: str) -> str:
    for _ in range(60):
        lines = text.split("\n")
        long = [i for i, l in enumerate(lines) if len(l) > WIDTH]
        if not long:
            return text
        tree = ast.parse(text)
        docs = []
        for node in ast.walk(tree):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and ast.get_docstring(node) is not None:
                e = node.body[0]
                docs.append((e.lineno - 1, e.end_lineno))
        changed = False
        for i in long:
            doc = next(((a, b) for a, b in docs if a <= i < b), None)
            if doc:
                a, b = doc
                indent = len(lines[a]) - len(lines[a].lstrip())
                pad = " " * indent
                if i == a:  # the summary line, which ends at the first empty line
                    one = lines[i].strip()
                    rest = lines[i + 1 : b]
                    if one.endswith('"""') and b == a + 1:  # a summary alone: a first sentence and the rest
                        body = one[3:-3]
                        head, rest_ = _sentence(body, WIDTH - indent - 3)
                        if head is None:
                            continue
                        new = [pad + '"""' + head, "", *textwrap.wrap(rest_, WIDTH, initial_indent=pad, subsequent_indent=pad, break_on_hyphens=False), pad + '"""']
                    else:
                        head, more = _sentence(one[3:], WIDTH - indent - 3)
                        if head is None:
                            continue
                        new = [pad + '"""' + head, "", *textwrap.wrap(more, WIDTH, initial_indent=pad, subsequent_indent=pad, break_on_hyphens=False)]
                        new += rest
                    lines[a:b] = new
                else:
                    end = b - 1 if lines[b - 1].strip() == '"""' else b
                    x, y = _paragraph(lines, i, a + 1, end)
                    lead = re.match(r" *", lines[x])[0]
                    joined = " ".join(l.strip() for l in lines[x:y])
                    # a field of Args: further lines hang by four
                    hang = lead
                    if re.match(r"[\w*]+: ", lines[i].strip()) and x == i or re.match(r"[\w*]+: ", lines[x].strip()) and len(lead) > indent:
                        x = i
                        y = i + 1
                        while y < end and lines[y].strip() and len(lines[y]) - len(lines[y].lstrip()) == len(lead) + 4:
                            y += 1
                        hang, joined = lead + "    ", " ".join(l.strip() for l in lines[x:y])
                    lines[x:y] = textwrap.wrap(joined, WIDTH, initial_indent=lead, subsequent_indent=hang, break_on_hyphens=False)
                changed = True
                break
            m = re.match(r"( *)(#:?) ", lines[i])
            if m and not re.search(r"# (noqa|type:)", lines[i]):
                lead = m[0]
                a = i
                while a and lines[a - 1].startswith(lead) and not lines[a - 1].startswith(lead + "---"):
                    a -= 1
                b = i
                while b + 1 < len(lines) and lines[b + 1].startswith(lead):
                    b += 1
                joined = " ".join(l[len(lead):].strip() for l in lines[a : b + 1])
                lines[a : b + 1] = textwrap.wrap(joined, WIDTH, initial_indent=lead, subsequent_indent=lead, break_on_hyphens=False)
                changed = True
                break
        if not changed:
            return text
        new = "\n".join(lines)
        try:
            ast.parse(new)
        except SyntaxError:
            return text
        text = new
    return text


def _sentence(text: str, room: int) -> tuple[str | None, str]:
    """The text cut behind a sentence (or a part that can end as one), so that the first part fits."""
    best = None
    for m in re.finditer(r"[.!?] (?=[A-Z`])|[;:] ", text):
        if m.start() + 1 <= room:
            best = m
    if best is None:
        return None, ""
    head, rest = text[: best.start() + 1], text[best.end():]
    if head[-1] in ";:":
        head = head[:-1] + "."
        rest = rest[:1].upper() + rest[1:]
    return head, rest


def run() -> None:
    for path in tracked("*.py"):
        text = path.read_text("utf-8")
        if any(len(l) > WIDTH for l in text.split("\n")):
            new = reflow(text)
            if new != text:
                write(path, new)
