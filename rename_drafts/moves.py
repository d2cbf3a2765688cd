"""Move modules and rename their references everywhere in a checkout (run in its root)."""
import re, subprocess, sys
from pathlib import Path
MOVES = dict(line.split() for line in """
core/identity core/owner/principal
core/follow core/owner/chain
core/links core/owner/links
core/parents core/owner/parents
core/known core/owner/evidence
core/session_tags core/owner/session_tags
core/resolve core/owner/resolve
core/owner_rules core/owner/rules
core/made core/owner/creation_record
core/made_up core/owner/generated_names
core/makers core/owner/session_makers
core/named core/owner/hop
core/subjects core/owner/subjects
core/copies core/owner/copies
core/directory core/owner/directory
core/documents core/reading/documents
core/carriers core/reading/carriers
core/frames core/reading/frames
core/athena core/reading/athena
core/unpacked core/reading/encodings
core/brought core/request_tags
core/claims core/ownership
core/fair core/fairness
core/rows core/catalogue_types
core/details core/record_details
core/born core/created_beside
flows/apart flows/isolate_failures
flows/tell flows/findings
flows/remember flows/ledger_entries
flows/written_over flows/repair_overwrites
ledger/after ledger/apply_entry
ledger/bodies ledger/codec
ledger/calls ledger/dynamodb_client
ledger/place ledger/location
aws/together aws/concurrency
sources/memory sources/fact_cache
handler/report handler/telemetry
rollout/deploy/way_back rollout/deploy/destroy
rollout/deploy/carry_out rollout/deploy/execute
rollout/deploy/in_use rollout/deploy/tag_usage
rollout/package/own rollout/package/modules
rollout/doctor/look rollout/doctor/collect
rollout/doctor/look_hub rollout/doctor/collect_hub
rollout/doctor/look_organization rollout/doctor/collect_organization
rollout/doctor/reach rollout/doctor/access
cli/whois cli/whois/command
cli/whois_output cli/whois/output
cli/whois_objects cli/whois/objects
cli/whois_today cli/whois/aws
cli/whois_never_seen cli/whois/never_seen
""".strip().splitlines())
root = Path("src/ownertag")
for a, b in MOVES.items():
    src, dst = root/(a+".py"), root/(b+".py")
    if not src.exists():
        print("missing", a); continue
    dst.parent.mkdir(parents=True, exist_ok=True)
    if not (dst.parent/"__init__.py").exists():
        (dst.parent/"__init__.py").write_text('""""""\n')
        subprocess.run(["git","add",str(dst.parent/"__init__.py")],check=True)
    subprocess.run(["git","mv",str(src),str(dst)],check=True)
dotted = {("ownertag."+a.replace("/",".")): ("ownertag."+b.replace("/",".")) for a,b in MOVES.items()}
slashed = {a+".py": b+".py" for a,b in MOVES.items()}
pat = re.compile("|".join(re.escape(k)+r"(?![\w])" for k in sorted(dotted,key=len,reverse=True)))
# `from ownertag.core import a, b` and `from ownertag.core.x import y`
for name in subprocess.run(["git","ls-files"],capture_output=True,text=True,check=True).stdout.split("\n"):
    p = Path(name)
    if not name or not p.is_file() or p.suffix in {".svg",".png",".lock",".json",".sha256"} and "package" in name: continue
    try: text = p.read_text("utf-8")
    except Exception: continue
    new = pat.sub(lambda m: dotted[m[0]], text)
    new = re.sub(r"(src/ownertag/|ownertag/|(?<![\w/]))("+"|".join(re.escape(k) for k in sorted(slashed,key=len,reverse=True))+")", lambda m: m[1]+slashed[m[2]], new)
    # from ownertag.pkg import mod
    def fix(m):
        pkg, names, indent = m[1], m[2], ""
        keep, out = [], []
        for n in [x.strip() for x in names.replace("(","").replace(")","").split(",") if x.strip()]:
            base, _, alias = n.partition(" as ")
            key = "ownertag."+pkg+"."+base
            if key in dotted:
                np, _, nb = dotted[key].rpartition(".")
                out.append(f"from {np} import {nb}"+(f" as {alias}" if alias else (f" as {base}" if nb!=base else "")))
            else: keep.append(n)
        if not out: return m[0]
        lines = ([f"from ownertag.{pkg} import {', '.join(keep)}"] if keep else []) + out
        return "\n".join(lines)
    new = re.sub(r"^from ownertag\.([\w.]+) import (\([^)]*\)|[^(\n]+)$", fix, new, flags=re.M)
    if new != text: p.write_text(new,"utf-8")
