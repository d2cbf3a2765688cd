"""API Gateway's tags of REST APIs: moto has those of stages alone."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote

from moto.apigateway.models import apigateway_backends

from ownertag.sandbox.calls import Call, Response, answer_json, refuse

_TAGS = re.compile(r"/tags/arn:aws:apigateway:[a-z0-9-]+::/restapis/([^/]+)")


def tags_of_rest_api(call: Call, account: str) -> Response | None:
    """Answers GetTags, TagResource and UntagResource of a REST API; None for any other call."""
    found = _TAGS.fullmatch(unquote(call.environ.get("PATH_INFO", "")))
    if call.service != "apigateway" or not found:
        return None
    api = apigateway_backends[account][call.region].apis.get(found[1])
    if api is None:
        return refuse(call, "NotFoundException", "Invalid API identifier specified", 404)
    match call.environ["REQUEST_METHOD"]:
        case "GET":
            return answer_json({"tags": api.tags or {}})
        case "PUT":
            api.tags = {**(api.tags or {}), **call.json()["tags"]}
        case "DELETE":
            gone = parse_qs(call.environ.get("QUERY_STRING", ""))["tagKeys"]
            api.tags = {key: value for key, value in (api.tags or {}).items() if key not in gone}
    return Response(204, [("x-amzn-RequestId", "")], b"")
