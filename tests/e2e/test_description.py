# SPDX-License-Identifier: Apache-2.0
"""What the server says of itself, read by what is not ours: /openapi.json by openapi-spec-validator, /metrics by Prometheus' own parser, and the page for
people who come with a browser."""
import html.parser
import re

import httpx
import openapi_spec_validator
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from baifang import until
from test_isolation import Story


@pytest.fixture(scope="module")
def spec(server):
    with server.client() as http:
        return http.get("/openapi.json").json()


def metrics(server):
    """{name of a sample with its labels: value}, and the families."""
    with server.client() as http:
        answer = http.get("/metrics")
    assert answer.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    families = list(text_string_to_metric_families(answer.text))
    return {(sample.name, *sorted(sample.labels.items())): sample.value for family in families for sample in family.samples}, families


def test_the_description_is_openapi(spec):
    assert spec["openapi"].startswith("3.1.")
    openapi_spec_validator.validate(spec)


def test_each_parameter_of_a_path_is_described_and_no_other(spec):
    for pattern, methods in spec["paths"].items():
        for method, operation in methods.items():
            named = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
            assert named == re.findall(r"\{(\w+)\}", pattern), (method, pattern)
            assert all(p["required"] for p in operation["parameters"] if p["in"] == "path")


def test_a_template_is_no_path(server, company, spec):
    """What stands in braces is a value like any other, with and without a query behind it."""
    person = company.sign_in("wang")
    for pattern in spec["paths"]:
        if "{" in pattern and "get" in spec["paths"][pattern]:
            for path in (pattern, pattern.replace("{", "%7B").replace("}", "%7D"), pattern.replace("{", ":").replace("}", "")):
                assert person.get(path).status_code == 404, path
                assert person.get(path + "?limit=1").status_code in (400, 404), path
    for path in (b"/openapi.json/", b"//openapi.json", b"/openapi.json;x=1", b"/OpenAPI.json", b"/v1/customers/", b"/v1", b"/v1/customers%3Flimit=1"):
        answer = person.http.get(httpx.URL(server.url()).copy_with(raw_path=path), headers=person.headers())
        assert answer.status_code in (400, 404), path


def test_prometheus_reads_the_metrics_and_they_count(server, company):
    before, families = metrics(server)
    assert len(families) > 20 and all(family.documentation and family.name.startswith("bf_") for family in families)
    assert {family.type for family in families} == {"gauge", "counter", "histogram"}
    person = company.sign_in("wang")
    Story(person)
    person.get("/v1/customers")
    until(lambda: metrics(server)[0]["bf_jobs_done_total",] > before["bf_jobs_done_total",], "a job to be settled, which is a moment after its result is there")
    after, _ = metrics(server)
    assert before.keys() == after.keys()
    for name, least in [("bf_sign_ins_total", 1), ("bf_commits_total", 4), ("bf_http_requests_total", 8), ("bf_http_request_seconds_count", 8),
                        ("bf_blobs_stored_total", 1), ("bf_stage_bytes_total", 100), ("bf_decodes_total", 1), ("bf_jobs_done_total", 1),
                        ("bf_store_examined_total", 1)]:
        assert after[name,] >= before[name,] + least, (name, before[name,], after[name,])
    for family in families:
        for sample in family.samples:
            name = (sample.name, *sorted(sample.labels.items()))
            assert family.type == "gauge" or after[name] >= before[name], f"{name} counts down"


class Page(html.parser.HTMLParser):
    """What a browser shows: text by the language that its element says."""

    def __init__(self, source):
        super().__init__()
        self.texts, self.links, self._langs, self.open = {}, set(), [], []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag in ("meta", "hr", "br"):
            return
        self.open.append(tag)
        self._langs.append(attrs.get("lang") or (self._langs[-1] if self._langs else ""))
        if tag == "a":
            self.links.add(attrs["href"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self._langs.pop()

    def handle_data(self, data):
        if self._langs and "style" not in self.open and "title" not in self.open:
            self.texts[self._langs[-1]] = self.texts.get(self._langs[-1], "") + data


def test_the_page_says_in_both_languages_what_runs_and_where_to_go(server, spec):
    with server.client() as http:
        answer = http.get("/")
        page = Page(answer.text)
        assert answer.headers["content-type"] == "text/html; charset=utf-8" and not page.open
        assert set(page.texts) == {"zh-CN", "en"}
        assert "正在运行" in page.texts["zh-CN"] and "is running" in page.texts["en"]
        assert spec["info"]["version"] in page.texts["zh-CN"] and "拜访" in page.texts["zh-CN"]
        assert not re.search("[\u4e00-\u9fff]", page.texts["en"])
        assert {"/openapi.json", "/readyz"} <= page.links
        assert {http.get(link).status_code for link in page.links} == {200}
