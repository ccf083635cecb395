# SPDX-License-Identifier: Apache-2.0
"""/openapi.json as others read it: requests and answers against its schemas, by the JSON Schema validator of OpenAPI 3.1."""
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

BASE = "urn:baifang:openapi"


def pointer(*steps):
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


def one_way(node, other):
    """The description as one side needs it: what only the other side may send (`readOnly` or `writeOnly`) is required of nobody."""
    if isinstance(node, list):
        return [one_way(item, other) for item in node]
    if not isinstance(node, dict):
        return node
    node = {name: one_way(inner, other) for name, inner in node.items()}
    if isinstance(node.get("required"), list):
        node["required"] = [name for name in node["required"] if not node.get("properties", {}).get(name, {}).get(other)]
    return node


class Description:
    def __init__(self, spec):
        self.spec = spec
        self._registries = {other: Registry().with_resource(BASE, Resource(contents=one_way(spec, other), specification=DRAFT202012))
                            for other in ("readOnly", "writeOnly")}
        self._validators, self._seen = {}, set()

    def _check(self, value, other, *steps):
        at = pointer(*steps)
        if at not in self._validators:
            self._validators[at] = OAS31Validator({"$ref": f"{BASE}#{at}"}, registry=self._registries[other], format_checker=oas31_format_checker)
        error = next(self._validators[at].iter_errors(value), None)
        assert error is None, f"{at}: {error.json_path}: {error.message}"

    def check_body(self, key, body):
        method, pattern = key.split(" ")
        type_, = self.spec["paths"][pattern][method.lower()]["requestBody"]["content"]
        self._check(body, "readOnly", "paths", pattern, method.lower(), "requestBody", "content", type_, "schema")

    def check_answer(self, key, answer):
        """Of several answers of one kind (route, status, code) the first is looked at."""
        method, pattern = key.split(" ")
        operation = self.spec["paths"].get(pattern, {}).get(method.lower())
        if operation is None or not answer.content or not answer.headers.get("content-type", "").endswith("json"):
            return
        body = answer.json()
        kind = (key, answer.status_code, body.get("code"))
        if kind in self._seen:
            return
        self._seen.add(kind)
        status = str(answer.status_code) if answer.status_code < 400 else "default"
        self._check(body, "writeOnly", "paths", pattern, method.lower(), "responses", status, "content", answer.headers["content-type"], "schema")
