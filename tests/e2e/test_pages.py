# SPDX-License-Identifier: Apache-2.0
"""The pages as a client without a browser sees them: what they allow, what they load, and that each name holds the content that it promises."""
import base64
import gzip
import hashlib
import html
import json
import os
import pathlib
import re
import subprocess

import pytest

from baifang import PASSWORD
from test_browser import Browser
from test_tokens import code

WEB = pathlib.Path(os.environ["BF_SOURCE_DIR"]) / "gateway" / "web"
POLICY = ("default-src 'none'; script-src 'self' 'sha256-{}'; style-src 'self' 'sha256-{}'; img-src 'self' blob:; media-src 'self' blob:; connect-src 'self'; "
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'")
HTML_MAX, PACKED_MAX, SCRIPTS_MAX = 14_000, 7_000, 40_000  # bytes of the page, of a reviewer's packed, of the scripts of one page packed


def hashed(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@pytest.fixture(scope="module")
def http(server):
    with server.client() as client:
        yield client


@pytest.fixture(scope="module")
def page(http):
    return http.get("/console", headers={"accept-language": "en"})


@pytest.fixture(scope="module")
def import_map(page):
    return json.loads(re.search(r'<script type="importmap">(.*?)</script>', page.text)[1])


def raw(client, path, coding=None, method="GET", **headers):
    """The answer with its bytes as they came."""
    with client.stream(method, path, headers={"accept-encoding": "identity" if coding is None else coding, **headers}) as answer:
        answer.packed = b"".join(answer.iter_raw())
    return answer


def unbrotli(packed):
    """By Node: not by what packed it."""
    program = "process.stdout.write(require('node:zlib').brotliDecompressSync(require('node:fs').readFileSync(0)))"
    return subprocess.run([os.environ["BF_NODE"], "-e", program], input=packed, capture_output=True, check=True).stdout


def names(page):
    return sorted(set(re.findall(r"/assets/([^\"]+)", page.text)))


def test_the_page_allows_itself_and_nothing_else(page):
    (import_map,), (style,) = (re.findall(pattern, page.text, re.S) for pattern in (r'<script type="importmap">(.*?)</script>', r"<style>(.*?)</style>"))
    assert page.headers["content-security-policy"] == POLICY.format(hashed(import_map), hashed(style))
    wanted = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store", "referrer-policy": "same-origin", "x-content-type-options": "nosniff",
              "cross-origin-opener-policy": "same-origin", "cross-origin-resource-policy": "same-origin",
              "permissions-policy": "camera=(), geolocation=(), microphone=()"}
    assert {name: page.headers[name] for name in wanted} == wanted and "strict-transport-security" in page.headers
    # Nothing that such a policy would block, nor that it should not have to.
    assert not re.search(r"<script(?! type=\"(importmap|module)\")|\son\w+=|\sstyle=|javascript:", page.text)
    assert len(page.content) <= HTML_MAX, len(page.content)


def test_head_answers_as_get_does(http, page):
    for path in ["/console", "/assets/" + names(page)[0]]:
        get, head = raw(http, path, "br"), raw(http, path, "br", method="HEAD")
        strip = lambda answer: {k: v for k, v in answer.headers.items() if k not in ("date", "traceparent")}
        assert (head.status_code, head.packed) == (200, b"") and strip(head) == strip(get)


def test_the_page_speaks_the_language_that_is_asked_for_and_the_persons_own_before_it(server, company, http):
    for header, lang, title in [("", "zh-CN", "拜访 · 工作台"), ("zh-TW,zh;q=0.9,en;q=0.8", "zh-CN", "拜访"), ("en-GB", "en", "Baifang · Console"), ("fr", "zh-CN", "拜访")]:
        text = http.get("/console", headers={"accept-language": header}).text
        assert f'<html lang="{lang}">' in text and title in text and f"messages-{lang}-" in text.split("modulepreload", 1)[1], header
    browser = Browser(company, "wang")
    etag = browser.get("/v1/me").headers["etag"]
    assert browser.send("PATCH", "/v1/me", json={"lang": "en"}, headers={"if-match": etag}).status_code == 200
    assert '<html lang="en">' in browser.get("/console", headers={"accept-language": "zh-CN"}).text


def told(answer):
    return html.unescape(re.search(r'data-session="([^"]*)"', answer.text)[1])


def test_the_page_knows_who_is_signed_in(server, http, page):
    company = server.company()
    server.admin("user", "add", company.code, "odd", """<'"&>""", "rep", company.team, "--exempt", input=PASSWORD + "\n")
    browser = Browser(company, "odd")
    assert json.loads(told(browser.get("/console"))) == browser.get("/v1/web/session").json()
    assert json.loads(told(browser.get("/console")))["user"]["name"] == """<'"&>"""
    assert "<'" not in browser.get("/console").text
    assert told(page) == ""
    for site, wanted in (("none", "null"), ("same-origin", "null"), ("same-site", ""), ("cross-site", "")):  # where the cookie would have stayed behind, ask
        assert told(http.get("/console", headers={"sec-fetch-site": site})) == wanted
    for cookie in ("__Host-baifang=x", "__Host-baifang=" + "A" * 86):
        assert told(http.get("/console", headers={"cookie": cookie})) == ""
    assert browser.send("POST", "/v1/web/sign_out").status_code == 204 and told(browser.get("/console")) == ""


def test_what_a_role_sees_first_is_named_ahead(server, http, page):
    company = server.company()
    company.add("shen", "沈复核", "reviewer", company.team)
    server.admin("user", "add", company.code, "neu", "新人", "reviewer", company.team, input=PASSWORD + "\n")  # has to change the password before anything else
    linked = lambda answer: set(re.findall(r'modulepreload"(?: fetchpriority=low)? href="/assets/(\w+-\w+)-', answer.text))
    fetched = lambda answer: re.findall(r'as="fetch" crossorigin href="([^"]+)"', answer.text)
    reviewer, manager, rep, newcomer = (Browser(company, login) for login in ("shen", "qian", "wang", "neu"))
    seen = reviewer.get("/console")
    assert linked(seen) - linked(page) > {"console-review", "console-review_store", "lib-page"} and len(re.findall(r'href="(/assets/[^"]+)"', seen.text)) == len(
        set(re.findall(r'href="(/assets/[^"]+)"', seen.text)))
    (first,) = fetched(seen)
    assert reviewer.get(html.unescape(first)).status_code == 200
    seen = manager.get("/console")
    assert "console-exceptions" in linked(seen) - linked(page) and "console-review" not in linked(seen) and fetched(seen) == []
    for nothing in (rep, newcomer):
        assert linked(nothing.get("/console", headers={"accept-language": "en"})) == linked(page) and fetched(nothing.get("/console")) == []


def test_the_page_is_packed_for_who_takes_it(server, page):
    company = server.company()
    company.add("shen", "沈复核", "reviewer", company.team)
    browser = Browser(company, "shen")
    plain = raw(browser.http, "/console", "identity", **browser.headers())
    packed = raw(browser.http, "/console", "gzip, br", **browser.headers())
    assert "content-encoding" not in plain.headers and packed.headers["content-encoding"] == "gzip" and packed.headers["vary"] == "accept-encoding"
    assert gzip.decompress(packed.packed) == plain.packed and len(packed.packed) <= PACKED_MAX


def test_each_asset_is_what_its_name_says_in_each_coding(http, page, import_map):
    listed = set(names(page)) | {url.removeprefix("/assets/") for url in import_map["imports"].values()}
    assert len(listed) > 15
    types = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml", "txt": "text/plain; charset=utf-8"}
    for name in listed:
        plain = raw(http, "/assets/" + name)
        assert plain.status_code == 200 and "content-encoding" not in plain.headers
        digest, suffix = re.fullmatch(r"[\w-]+-([0-9a-f]{16})\.(\w+)", name).groups()
        assert hashlib.sha256(plain.packed).hexdigest().startswith(digest) and plain.headers["content-type"] == types[suffix]
        assert plain.headers["cache-control"] == "public, max-age=31536000, immutable" and plain.headers["vary"] == "accept-encoding"
        for coding, unpack in (("gzip", gzip.decompress), ("br", unbrotli)):
            packed = raw(http, "/assets/" + name, coding)
            assert packed.headers["content-encoding"] == coding and unpack(packed.packed) == plain.packed and len(packed.packed) < len(plain.packed), name
            assert packed.headers["etag"] != plain.headers["etag"]


@pytest.mark.parametrize("asked, given", [
    ("", None), ("identity", None), ("gzip", "gzip"), ("gzip, deflate, br, zstd", "br"), ("br;q=0.1, gzip", "br"), ("br;q=0, gzip", "gzip"), ("br; q=0.000", None),
    ("GZIP", "gzip"), ("gzip;q=0.5;q=0", "gzip"), ("*", None), ("deflate", None), ("brotli", None), (" , ,br ", "br"), ("b r", None), (";q=0,gzip", "gzip"),
    ("gzip;q=0.001", "gzip"), ("br;Q=0", None)])
def test_what_is_taken_is_given(http, page, asked, given):
    assert raw(http, "/assets/" + names(page)[0], asked).headers.get("content-encoding") == given


def test_what_a_browser_has_is_not_sent_again(http, page):
    path = "/assets/" + names(page)[0]
    etag = raw(http, path, "br").headers["etag"]
    same = raw(http, path, "br", **{"if-none-match": etag})
    assert (same.status_code, same.packed) == (304, b"") and same.headers["etag"] == etag and "immutable" in same.headers["cache-control"]
    assert raw(http, path, "gzip", **{"if-none-match": etag}).status_code == 200


@pytest.mark.parametrize("name", ["x", "x" * 3000, "console-main.js", "..%2e", "icon-0000000000000000.svg", "é.js", "zzzz", "-", "icon"])
def test_no_other_name_is_an_asset(http, page, name):
    for wrong in (name, names(page)[0] + name, names(page)[0][:-1]):
        assert code(http.get("/assets/" + wrong), 404) == "not_found"


def imports_of(module):
    return set(re.findall(r"""(?m)(?:^|[;}])import\s?(?:[^"';]*?from\s?)?["']([^"']+)["']""", module))


def closure(modules, entry):
    """The module and all that it imports."""
    found = [entry]
    for said in found:
        found += [other for other in sorted(imports_of(modules[said])) if other not in found]
    return set(found)


def test_what_the_page_needs_is_loaded_at_once(http, page, import_map):
    """Each import leads to a module of the map, which says what it must hash to; what the first module needs, the page has named."""
    assert set(import_map["imports"].values()) == set(import_map["integrity"])
    named = set(re.findall(r'(?:modulepreload" href|module" src)="([^"]+)"', page.text))
    for said, url in import_map["imports"].items():
        module = raw(http, url).packed.decode()
        assert import_map["integrity"][url] == "sha256-" + hashed(module)
        assert imports_of(module) <= set(import_map["imports"]), said
        if url in named:
            assert {import_map["imports"][other] for other in imports_of(module)} <= named, said
        assert "sourceMappingURL" not in module


def test_each_page_weighs_little(http, import_map):
    """Packed: what the first paint needs, the module of the page with all that it imports, and the words that it brings, of one language."""
    modules = {said: raw(http, url).packed.decode() for said, url in import_map["imports"].items()}
    weight = {said: len(raw(http, url, "br").packed) for said, url in import_map["imports"].items()}
    words = lambda name: max(weight[f"#messages/{name}{lang}.js"] for lang in ("zh-CN", "en"))
    first = closure(modules, "#console/main.js")
    opened = set(re.findall(r'import\("(#console/[^"]+)"\)', modules["#console/routes.js"]))
    assert {"#console/review.js", "#console/exceptions.js", "#console/record.js"} <= opened
    brought = sum(words(name + ".") for name in re.findall(r'"(\w+)"', re.search(r"useWords\(([^)]*)\)", modules["#console/routes.js"])[1]))
    for page in sorted(opened):
        whole = sum(weight[said] for said in first | closure(modules, page)) + words("") + (brought if page in ("#console/exceptions.js", "#console/record.js") else 0)
        print(f"{page}: {whole} bytes packed")
        assert whole <= SCRIPTS_MAX, (page, whole)


def test_the_licences_of_others_are_served(http, page):
    text = http.get(re.search(r'<link rel="license" href="([^"]+)"', page.text)[1]).text
    for package in ("preact", "htm", "@preact/signals", "@preact/signals-core"):
        assert f"{package}\n\n" in text
    assert text.count("Permission is hereby granted") == 3 and "Apache License" in text


# ---- words ----

def messages():
    """Of the frame, and of the pages that bring their own."""
    return {lang: {key: text for path in sorted(WEB.glob(f"*{lang}.json"), key=lambda path: path.name.removesuffix(f"{lang}.json")) for key, text in json.loads(path.read_text(encoding="utf-8")).items()} for lang in ("zh-CN", "en")}


def test_both_languages_say_the_same_things():
    zh, en = messages().values()
    assert list(zh) == list(en)
    for key in zh:
        assert zh[key].strip() and en[key].strip()
        assert sorted(re.findall(r"\{\w+\}", zh[key])) == sorted(re.findall(r"\{\w+\}", en[key])), key
        assert key == "lang.zh-CN" or not re.search("[\u3000-\u9fff\uff00-\uffef]", en[key]), key


def test_no_words_stand_in_code_and_each_message_is_used():
    code = {path: re.sub(r"(?m)^ *//.*$", "", path.read_text(encoding="utf-8")) for path in WEB.rglob("*.js")}
    assert len(code) > 8
    zh = messages()["zh-CN"]
    for path, text in code.items():
        assert not re.search("[\u2e80-\u9fff\uff00-\uffef]", text), path
        assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\(|console\.\w+\(|style=", text), path
        for key in re.findall(r"""\bt\("([^"]+)\"""", text) + re.findall(r"""label: "([^"]+)\"""", text):
            if path.name != "keys.js":
                assert key in zh, (path, key)
    everything = "\n".join(code.values())
    for key in zh:
        stem = key.rsplit(".", 1)[0]
        assert f'"{key}"' in everything or f"`{stem}.$" in everything, f"nothing says {key}"


def test_labels_are_the_schemas(http, import_map):
    schemas = http.get("/openapi.json").json()["components"]["schemas"]
    for lang, title in (("zh-CN", "x-title-zh"), ("en", "title")):
        module = raw(http, import_map["imports"][f"#messages/labels.{lang}.js"]).packed.decode()
        labels = json.loads(module.removeprefix("export default ").removesuffix(";\n"))
        for key, text in labels.items():
            _, schema, field, *word = key.split(".")
            told = schemas[schema]["properties"][field]
            told = told if "x-labels" in told or told.get("type") != "array" else {**told["items"], **told}
            assert text == (told["x-labels"][word[0]][lang] if word else told[title]), key
        for schema in ("customer", "visit", "task", "contract"):
            shown = {key.split(".")[2] for key in labels if key.startswith(f"label.{schema}.")}
            assert {name for name, field in schemas[schema]["properties"].items() if not field.get("writeOnly")} - {"id", "rev"} == shown


@pytest.mark.parametrize("stem, schema, field", [("role", "user", "role"), ("review.code", "rejection", "code"), ("review.state", "contract", "state"),
                                                 ("review.outcome", "review", "outcome")])
def test_words_of_the_schema_are_the_schemas(http, stem, schema, field):
    labels = http.get("/openapi.json").json()["components"]["schemas"][schema]["properties"][field]["x-labels"]
    for lang, texts in messages().items():
        assert {key: label[lang] for key, label in labels.items()} == {key.removeprefix(stem + "."): text for key, text in texts.items() if key.startswith(stem + ".")}
