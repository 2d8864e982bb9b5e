"""Who the requests of make test-contract come from, and what there is to find: tokens of the demo's people, signed events, and ids that exist."""

import base64
import hashlib
import hmac
import json
import os
import time
import urllib.request
import zlib

import requests
import schemathesis
from schemathesis import GenerationMode

API = os.environ["CONTRACT_API"]
SECRET = base64.b64decode(os.environ["CONTRACT_SECRET"].removeprefix("whsec_"))


def call(path, body=None, headers=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(API + path, data=data, headers=headers or {})) as answer:
        return json.loads(answer.read())


def signature(identifier, at, body):
    digest = hmac.new(SECRET, f"{identifier}.{at}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def signed(body):
    identifier, at = f"msg-{zlib.crc32(body)}", str(int(time.time()))
    return {"webhook-id": identifier, "webhook-timestamp": at, "webhook-signature": signature(identifier, at, body)}


# Ana is asked about the log and the links of willow-creek. The connection is Dan's of maple-hill: that fuzzing disconnects it leaves Ana's alone.
TOKENS = {user: call("/dev/token", {"user": user})["access_token"] for user in ("ana", "dan")}


def fails(identifier):
    """Delivers an event that fails for a mapping, so that the bell rings."""
    event = {
        "specversion": "1.0", "id": f"evt-{identifier}", "source": "/organizations/willow-creek", "type": "com.passare.goods_and_services.signed",
        "time": "2026-03-04T15:00:00Z", "data": {
            "record": {"type": "goods_and_services", "id": identifier, "version": 1},
            "case": {"id": f"case-{identifier}", "number": f"no-{identifier}", "decedent": {"first": "Vera", "last": "Quill"}},
            "branch": {"id": "main", "name": "Main"}, "actor": {"id": "u1", "name": "Ana Diaz"}, "signed_on": "2026-03-02", "total": "100.00",
            "items": [{"id": "i1", "kind": "service", "gl_account": f"9-{identifier}", "description": "Services", "amount": "100.00"}],
        },
    }
    raw = json.dumps(event).encode()
    request = urllib.request.Request(f"{API}/v1/events", data=raw, headers={"Content-Type": "application/cloudevents+json", **signed(raw)})
    with urllib.request.urlopen(request):
        pass


def existing():
    """Ids that there are, by how the paths begin that have them."""
    ana = {"Authorization": f"Bearer {TOKENS['ana']}"}
    for identifier in ("contract-1", "contract-2"):
        fails(identifier)
    notices = []
    for _ in range(100):
        notices = call("/v1/notifications", headers=ana)["notices"]
        if len(notices) >= 2:
            break
        time.sleep(0.1)
    assert len(notices) >= 2, "the bell does not ring"
    call("/v1/reconciliations", body={}, headers={"Content-Type": "application/json", **ana})
    differences = []
    for _ in range(100):
        differences = call("/v1/differences", headers=ana)["differences"]
        if differences:
            break
        time.sleep(0.1)
    assert differences, "the books are not proved"
    return {
        "/v1/entries/": [e["id"] for e in call("/v1/entries?limit=50", headers=ana)["entries"]],
        "/v1/notifications/": [n["id"] for n in notices],
        "/v1/differences/": [d["id"] for d in differences],
        "/v1/links/customers/": [link["id"] for link in call("/v1/links/customers", headers=ana)["links"]],
        "/v1/links/vendors/": [link["id"] for link in call("/v1/links/vendors", headers=ana)["links"]],
    }


EXISTING = existing()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Half of the valid requests name something that there is."""
    ids = next((found for start, found in EXISTING.items() if case.path.startswith(start)), None)
    generated = (case.path_parameters or {}).get("id")
    if not ids or generated is None or case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    chosen = zlib.crc32(str(generated).encode())
    if chosen % 2:
        case.path_parameters["id"] = ids[chosen // 2 % len(ids)]


class Token(requests.auth.AuthBase):
    def __init__(self, user):
        self.user = user

    def __call__(self, request):
        request.headers["Authorization"] = f"Bearer {TOKENS[self.user]}"
        return request


class Signature(requests.auth.AuthBase):
    def __call__(self, request):
        body = request.body or b""
        request.headers.update(signed(body.encode() if isinstance(body, str) else body))
        return request


schemathesis.auth.set_from_requests(Token("dan")).apply_to(path_regex="^/v1/connection")
schemathesis.auth.set_from_requests(Signature()).apply_to(path="/v1/events")
schemathesis.auth.set_from_requests(Token("ana")).apply_to(path_regex="^/v1/(?!connection|events)")
