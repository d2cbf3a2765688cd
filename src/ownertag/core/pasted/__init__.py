"""Reads what somebody pasted: an id, an ARN, an address, a key, a DNS name, a link, a finding; or says what is wrong.

`plain` tells what most people type; `text` reads any other line, and hands on: `names` reads DNS names, `buckets`
addresses of buckets, `links` those of AWS's console, `documents` and `forms` JSON; `secrets` tells a key's id from a
secret, and `taken` has what comes of it. A text is taken for one thing only; where it could be two, or words stand
around, it is refused with what to paste. Nothing that could be a secret is repeated.
"""
