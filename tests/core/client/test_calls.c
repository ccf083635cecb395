/* SPDX-License-Identifier: Apache-2.0 */
/* The client against a peer on loopback. Its clock is the test's: retries and breakers wait for bf_env_fake_advance. */
#include "core/env.h"
#include "core/http_client.h"
#include "core/metrics.h"
#include "tests/core/client/peer.h"
#include "tests/test.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- fixture ---- */

/* A mailbox that counts: tasks run on the test's thread. */
struct inbox {
    struct bf_mailbox mailbox;
    pthread_mutex_t lock;
    pthread_cond_t change;
    unsigned n;
};

struct fixture {
    struct bf_env env;
    struct peer *peer;
    struct bf_client *client;
    struct inbox inbox;
};

static void post(struct bf_mailbox *mailbox, struct bf_task *task)
{
    struct inbox *in = BF_CONTAINER(mailbox, struct inbox, mailbox);
    (void)task;
    pthread_mutex_lock(&in->lock);
    in->n++;
    pthread_cond_broadcast(&in->change);
    pthread_mutex_unlock(&in->lock);
}

static void await_done(struct fixture *f, unsigned n)
{
    pthread_mutex_lock(&f->inbox.lock);
    while (f->inbox.n < n)
        pthread_cond_wait(&f->inbox.change, &f->inbox.lock);
    pthread_mutex_unlock(&f->inbox.lock);
}

static struct bf_client_config small_config(void)
{
    return (struct bf_client_config){
        .queue_max = 100,
        .in_flight_max = 32,
        .in_flight_per_host_max = 8,
        .connections_per_host_max = 8,
        .connections_max = 32,
        .breaker_failures = 3,
        .breaker_ms = 10000,
        .breaker_ms_max = 60000,
    };
}

static void open_client(struct fixture *f, const struct bf_client_config *config)
{
    struct bf_error e;
    bf_client_stop(&f->client, 0);
    if (bf_client_start(&f->env, config, &f->client, &e) != BF_OK)
        fail_msg("%s", e.cause);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct bf_client_config config = small_config();
    bf_env_fake(&f->env, 1800000000000, 7);
    f->peer = peer_start();
    f->inbox.mailbox.post = post;
    pthread_mutex_init(&f->inbox.lock, NULL);
    pthread_cond_init(&f->inbox.change, NULL);
    open_client(f, &config);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    bf_client_stop(&f->client, 0);
    peer_stop(&f->peer);
    bf_env_finish(&f->env);
    free(f);
    return 0;
}

static struct bf_fetch call_to(struct fixture *f, const char *path)
{
    struct bf_fetch call;
    bf_fetch_init(&call);
    call.url = peer_url(f->peer, path);
    call.from = BF_URL_CONFIG;
    call.home = &f->inbox.mailbox;
    return call;
}

static void submit(struct fixture *f, struct bf_fetch *call) { assert_int_equal(bf_client_submit(f->client, call, NULL), BF_OK); }

static void advance(struct fixture *f, int64_t ms)
{
    bf_env_fake_advance(&f->env, ms);
    bf_client_wake(f->client);
}

static struct bf_client_stats stats(struct fixture *f)
{
    struct bf_client_stats s;
    bf_client_stats(f->client, &s);
    return s;
}

static void assert_answer(const struct bf_fetch *call, int http_status, const char *text)
{
    if (call->status != BF_OK)
        fail_msg("%s: %s", bf_status_code(call->status), call->error.cause);
    assert_int_equal(call->http_status, http_status);
    assert_int_equal(call->answer.n, strlen(text));
    assert_memory_equal(call->answer.p, text, strlen(text));
}

static enum bf_status one(struct fixture *f, const char *path, struct bf_fetch *call)
{
    *call = call_to(f, path);
    return bf_client_call(f->client, call, NULL);
}

/* A port on which nobody listens: bound and closed again. */
static int dead_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    getsockname(fd, (struct sockaddr *)&a, &n);
    close(fd);
    return ntohs(a.sin_port);
}

/* ---- requests and answers ---- */

static void an_answer_comes_back_whole_and_its_headers_can_be_read(void **state)
{
    struct bf_fetch call;
    assert_int_equal(one(*state, "/after/200/7", &call), BF_OK);
    assert_answer(&call, 200, "later");
    assert_true(bf_str_eqz(bf_fetch_header(&call, "retry-after"), "7"));
    assert_null(bf_fetch_header(&call, "x-absent").p);
    assert_int_equal(call.retry_after_ms, 7000);
    assert_int_equal(call.tries, 1);
    bf_fetch_finish(&call);
}

static void a_body_is_sent_from_the_callers_memory(void **state)
{
    struct fixture *f = *state;
    static char body[3 << 20];
    struct bf_fetch call = call_to(f, "/echo");
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (char)(i * 31 >> 7);
    call.body = bf_str(body, sizeof body);
    call.answer_bytes_max = sizeof body;
    assert_int_equal(bf_client_call(f->client, &call, NULL), BF_OK);
    assert_int_equal(call.answer.n, sizeof body);
    assert_memory_equal(call.answer.p, body, sizeof body);
    bf_fetch_finish(&call);
}

static void headers_are_sent_as_given_and_nothing_is_invented(void **state)
{
    struct fixture *f = *state;
    struct bf_fetch call = call_to(f, "/head");
    const struct bf_fetch_header headers[] = {{"authorization", BF_STR("Bearer x")}, {"x-empty", BF_STR("")}};
    call.headers = headers;
    call.n_headers = 2;
    call.body = BF_STR("b");
    assert_int_equal(bf_client_call(f->client, &call, NULL), BF_OK);
    char *head = strndup(call.answer.p, call.answer.n);
    assert_non_null(strstr(head, "authorization: Bearer x\r\n"));
    assert_non_null(strstr(head, "x-empty:\r\n"));
    assert_null(strstr(head, "Expect"));
    assert_null(strstr(head, "Content-Type"));
    assert_null(strstr(head, "Accept-Encoding"));
    free(head);
    bf_fetch_finish(&call);
}

static void a_line_break_in_a_header_is_refused(void **state)
{
    struct fixture *f = *state;
    struct bf_fetch call = call_to(f, "/head");
    const struct bf_fetch_header header = {"x", BF_STR("a\r\nInjected: b")};
    call.headers = &header;
    call.n_headers = 1;
    assert_int_equal(bf_client_submit(f->client, &call, NULL), BF_E_UNPROCESSABLE);
}

static void a_header_too_long_to_be_sent_is_refused(void **state)
{
    struct fixture *f = *state;
    struct bf_fetch call = call_to(f, "/head");
    char *value = malloc(16384);
    memset(value, 'x', 16384);
    struct bf_fetch_header header = {"x-long", bf_str(value, 16384 - 3 - strlen("x-long"))};
    call.headers = &header;
    call.n_headers = 1;
    assert_int_equal(bf_client_submit(f->client, &call, NULL), BF_E_UNPROCESSABLE);
    header.value.n--;
    assert_int_equal(bf_client_call(f->client, &call, NULL), BF_OK);
    bf_fetch_finish(&call);
    free(value);
}

static bool contains(struct bf_str text, struct bf_str part) { return memmem(text.p, text.n, part.p, part.n) != NULL; }

static void parts_make_a_multipart_body(void **state)
{
    struct fixture *f = *state;
    struct bf_fetch call = call_to(f, "/echo");
    const struct bf_fetch_part parts[] = {
        {"model", NULL, NULL, BF_STR("m-1")},
        {"file", "voice.ogg", "audio/ogg", BF_STR("OggS\0binary")},
    };
    call.parts = parts;
    call.n_parts = 2;
    assert_int_equal(bf_client_call(f->client, &call, NULL), BF_OK);
    assert_true(contains(call.answer, BF_STR("name=\"model\"\r\n\r\nm-1\r\n")));
    assert_true(contains(call.answer, BF_STR("filename=\"voice.ogg\"\r\nContent-Type: audio/ogg\r\n\r\nOggS\0binary\r\n")));
    bf_fetch_finish(&call);
}

static void a_redirect_is_an_answer_and_is_not_followed(void **state)
{
    struct fixture *f = *state;
    struct bf_fetch call;
    assert_int_equal(one(f, "/redirect", &call), BF_OK);
    assert_answer(&call, 302, "");
    assert_int_equal(peer_requests(f->peer), 1);
    bf_fetch_finish(&call);
}

static void an_answer_above_its_cap_is_cut_off(void **state)
{
    struct fixture *f = *state;
    struct bf_fetch call = call_to(f, "/big/2000000");
    call.tries_max = 3;
    call.repeatable = true;
    assert_int_equal(bf_client_call(f->client, &call, NULL), BF_E_TOO_LARGE);
    assert_int_equal(call.http_status, 200);
    assert_int_equal(call.tries, 1);
    bf_fetch_finish(&call);
    assert_int_equal(one(f, "/headers/40000", &call), BF_E_TOO_LARGE);
    bf_fetch_finish(&call);
}

/* ---- deadlines ---- */

static void a_peer_that_does_not_answer_is_left_at_the_deadline(void **state)
{
    struct fixture *f = *state;
    struct bf_fetch call = call_to(f, "/hang");
    call.try_ms_max = 100;
    assert_int_equal(bf_client_call(f->client, &call, NULL), BF_E_DEADLINE);
    assert_true(call.maybe_arrived);
    bf_fetch_finish(&call);
}

static void a_call_that_waits_for_its_turn_ends_at_its_deadline(void **state)
{
    struct fixture *f = *state;
    struct bf_fetch hanging[8], late = call_to(f, "/ok");
    for (unsigned i = 0; i < 8; i++) {
        hanging[i] = call_to(f, "/hang");
        submit(f, &hanging[i]);
    }
    peer_await_requests(f->peer, 8);
    late.total_ms_max = 5000;
    submit(f, &late);
    advance(f, 5000);
    await_done(f, 1);
    assert_int_equal(late.status, BF_E_DEADLINE);
    assert_int_equal(late.tries, 0);
    assert_false(late.maybe_arrived);
    peer_release(f->peer);
    await_done(f, 9);
    for (unsigned i = 0; i < 8; i++)
        bf_fetch_finish(&hanging[i]);
    bf_fetch_finish(&late);
}

/* ---- faults ---- */

static void a_port_without_listener_is_unavailable_and_nothing_was_sent(void **state)
{
    struct fixture *f = *state;
    struct bf_fetch call = call_to(f, "/");
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", dead_port());
    call.url = url;
    assert_int_equal(bf_client_call(f->client, &call, NULL), BF_E_UNAVAILABLE);
    assert_false(call.maybe_arrived);
    bf_fetch_finish(&call);
}

static void half_an_answer_is_an_unknown_outcome(void **state)
{
    struct bf_fetch call;
    assert_int_equal(one(*state, "/half", &call), BF_E_UNKNOWN_OUTCOME);
    assert_true(call.maybe_arrived);
    assert_int_equal(call.answer.n, 0);
    bf_fetch_finish(&call);
}

static void a_call_that_may_not_be_repeated_is_not_sent_again_even_by_libcurl(void **state)
{
    struct fixture *f = *state;
    struct bf_fetch call;
    assert_int_equal(one(f, "/ok", &call), BF_OK); /* its connection goes to the pool: libcurl repeats on a pooled one that dies */
    bf_fetch_finish(&call);
    call = call_to(f, "/drop");
    call.tries_max = 5;
    assert_int_equal(bf_client_call(f->client, &call, NULL), BF_E_UNKNOWN_OUTCOME);
    assert_int_equal(peer_requests(f->peer), 2);
    bf_fetch_finish(&call);
}

/* ---- tries ---- */

static struct bf_fetch repeatable_to(struct fixture *f, const char *path)
{
    struct bf_fetch call = call_to(f, path);
    call.tries_max = 3;
    call.repeatable = true;
    return call;
}

static void await_paused(struct fixture *f, unsigned failures)
{
    while (stats(f).failures < failures || stats(f).paused < 1)
        sched_yield();
}

/* When this returns, the client has looked at the clock and sent what was due: another call went through its whole loop. */
static void settle(struct fixture *f)
{
    struct bf_fetch call;
    assert_int_equal(one(f, "/ok", &call), BF_OK);
    bf_fetch_finish(&call);
}

static void a_passing_fault_is_tried_again_after_a_pause_with_jitter(void **state)
{
    struct fixture *f = *state;
    struct bf_fetch call = repeatable_to(f, "/flaky/2/503");
    submit(f, &call);
    await_paused(f, 1);
    advance(f, 374); /* 500 ms less a quarter is the earliest */
    settle(f);
    assert_int_equal(peer_requests(f->peer), 1 + 1);
    advance(f, 126);
    peer_await_requests(f->peer, 3);
    await_paused(f, 2);
    advance(f, 749);
    settle(f);
    assert_int_equal(peer_requests(f->peer), 2 + 2);
    advance(f, 251);
    await_done(f, 1);
    assert_answer(&call, 200, "hello");
    assert_int_equal(call.tries, 3);
    assert_int_equal(stats(f).retries, 2);
    bf_fetch_finish(&call);
}

static void the_peers_retry_after_is_waited_for(void **state)
{
    struct fixture *f = *state;
    struct bf_fetch call = repeatable_to(f, "/after/429/20");
    submit(f, &call);
    await_paused(f, 0);
    advance(f, 19999);
    settle(f);
    assert_int_equal(peer_requests(f->peer), 1 + 1);
    advance(f, 1);
    await_done(f, 1);
    assert_answer(&call, 200, "hello");
    bf_fetch_finish(&call);
}

static void a_retry_after_beyond_the_deadline_goes_to_the_caller(void **state)
{
    struct fixture *f = *state;
    struct bf_fetch call = repeatable_to(f, "/after/429/3600");
    assert_int_equal(bf_client_call(f->client, &call, NULL), BF_OK);
    assert_answer(&call, 429, "later");
    assert_int_equal(call.retry_after_ms, 3600 * 1000);
    assert_int_equal(call.tries, 1);
    bf_fetch_finish(&call);
}

static void the_last_answer_stands_when_all_tries_are_used(void **state)
{
    struct fixture *f = *state;
    struct bf_fetch call = repeatable_to(f, "/flaky/9/503");
    submit(f, &call);
    for (unsigned i = 1; i < 3; i++) {
        await_paused(f, i);
        advance(f, 8000);
    }
    await_done(f, 1);
    assert_answer(&call, 503, "not yet");
    assert_int_equal(call.tries, 3);
    bf_fetch_finish(&call);
}

static void what_the_client_did_wrong_is_not_tried_again(void **state)
{
    static const char *const paths[] = {"/status/400", "/status/401", "/status/404", "/status/413", "/status/501"};
    struct fixture *f = *state;
    for (unsigned i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct bf_fetch call = repeatable_to(f, paths[i]);
        assert_int_equal(bf_client_call(f->client, &call, NULL), BF_OK);
        assert_int_equal(call.tries, 1);
        bf_fetch_finish(&call);
    }
}

/* ---- breaker ---- */

static void a_host_that_keeps_failing_is_left_alone_then_probed_once(void **state)
{
    struct fixture *f = *state;
    struct bf_fetch call;
    f->env.metrics = bf_metrics_create();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(one(f, "/flaky/3/500", &call), BF_OK);
        assert_int_equal(call.http_status, 500);
        bf_fetch_finish(&call);
    }
    assert_int_equal(stats(f).breakers_opened, 1);
    assert_int_equal(one(f, "/ok", &call), BF_E_UNAVAILABLE);
    assert_int_equal(call.error.retry_after_s, 10);
    assert_int_equal(call.tries, 0);
    bf_fetch_finish(&call);
    assert_int_equal(peer_requests(f->peer), 3);
    bf_env_fake_advance(&f->env, 10000);
    struct bf_fetch probe = call_to(f, "/hang"), other;
    submit(f, &probe);
    peer_await_requests(f->peer, 4);
    assert_int_equal(one(f, "/ok", &other), BF_E_UNAVAILABLE);
    bf_fetch_finish(&other);
    peer_release(f->peer);
    await_done(f, 1);
    assert_answer(&probe, 200, "at last");
    bf_fetch_finish(&probe);
    assert_int_equal(one(f, "/ok", &call), BF_OK);
    bf_fetch_finish(&call);
    assert_int_equal(stats(f).refused_breaker, 2);
    assert_int_equal(bf_metric_read(f->env.metrics, BF_M_CALLS_FAILED), 3);
    assert_int_equal(bf_metric_read(f->env.metrics, BF_M_CALLS_BREAKER_OPENED), 1);
    assert_int_equal(bf_metric_read(f->env.metrics, BF_M_CALLS_REFUSED), 2);
    bf_metrics_destroy(&f->env.metrics);
}

static void throttling_does_not_open_the_breaker(void **state)
{
    struct fixture *f = *state;
    struct bf_fetch call;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(one(f, "/status/429", &call), BF_OK);
        bf_fetch_finish(&call);
    }
    assert_int_equal(stats(f).breakers_opened, 0);
}

static enum bf_fetch_verdict trip(const struct bf_fetch *call) { return call->http_status == 429 ? BF_FETCH_TRIP : BF_FETCH_FINE; }

static void a_judge_may_trip_the_breaker_at_the_first_answer(void **state)
{
    struct fixture *f = *state;
    struct bf_fetch call = repeatable_to(f, "/status/429");
    call.judge = trip;
    assert_int_equal(bf_client_call(f->client, &call, NULL), BF_OK);
    assert_int_equal(call.tries, 1);
    bf_fetch_finish(&call);
    assert_int_equal(one(f, "/ok", &call), BF_E_UNAVAILABLE);
    assert_int_equal(call.error.retry_after_s, 60);
    bf_fetch_finish(&call);
}

static void a_call_may_leave_the_hosts_breaker_alone(void **state)
{
    struct fixture *f = *state;
    struct bf_fetch call;
    for (int i = 0; i < 5; i++) { /* more than it takes */
        call = call_to(f, "/status/500");
        call.no_breaker = true;
        assert_int_equal(bf_client_call(f->client, &call, NULL), BF_OK);
        bf_fetch_finish(&call);
    }
    assert_int_equal(stats(f).breakers_opened, 0);
    for (int i = 0; i < 3; i++) {
        one(f, "/status/500", &call);
        bf_fetch_finish(&call);
    }
    assert_int_equal(one(f, "/ok", &call), BF_E_UNAVAILABLE);
    bf_fetch_finish(&call);
    call = call_to(f, "/ok");
    call.no_breaker = true;
    assert_int_equal(bf_client_call(f->client, &call, NULL), BF_OK);
    bf_fetch_finish(&call);
    assert_int_equal(one(f, "/ok", &call), BF_E_UNAVAILABLE); /* its answer did not close it */
    bf_fetch_finish(&call);
}

static void one_hosts_breaker_does_not_touch_another_host(void **state)
{
    struct fixture *f = *state;
    struct peer *second = peer_start();
    struct bf_fetch call;
    for (int i = 0; i < 4; i++) {
        one(f, "/status/500", &call);
        bf_fetch_finish(&call);
    }
    call = call_to(f, "");
    call.url = peer_url(second, "/ok");
    assert_int_equal(bf_client_call(f->client, &call, NULL), BF_OK);
    bf_fetch_finish(&call);
    peer_stop(&second);
}

/* ---- limits ---- */

static void a_host_that_hangs_does_not_take_the_places_of_another(void **state)
{
    struct fixture *f = *state;
    struct peer *second = peer_start();
    struct bf_fetch hanging[40], other;
    for (unsigned i = 0; i < 40; i++) {
        hanging[i] = call_to(f, "/hang");
        submit(f, &hanging[i]);
    }
    peer_await_requests(f->peer, 8);
    other = call_to(f, "");
    other.url = peer_url(second, "/ok");
    assert_int_equal(bf_client_call(f->client, &other, NULL), BF_OK);
    bf_fetch_finish(&other);
    assert_int_equal(peer_requests(f->peer), 8);
    peer_release(f->peer);
    await_done(f, 40);
    assert_true(peer_connections(f->peer) <= 8);
    for (unsigned i = 0; i < 40; i++) {
        assert_answer(&hanging[i], 200, "at last");
        bf_fetch_finish(&hanging[i]);
    }
    peer_stop(&second);
}

static void a_full_queue_refuses(void **state)
{
    struct fixture *f = *state;
    struct bf_fetch hanging[100], more = call_to(f, "/ok");
    for (unsigned i = 0; i < 100; i++) {
        hanging[i] = call_to(f, "/hang");
        submit(f, &hanging[i]);
    }
    assert_int_equal(bf_client_submit(f->client, &more, NULL), BF_E_UNAVAILABLE);
    peer_release(f->peer);
    await_done(f, 100);
    for (unsigned i = 0; i < 100; i++)
        bf_fetch_finish(&hanging[i]);
}

static void a_stop_ends_every_call(void **state)
{
    struct fixture *f = *state;
    struct bf_fetch hanging[20], paused = repeatable_to(f, "/flaky/9/503");
    submit(f, &paused);
    await_paused(f, 1);
    for (unsigned i = 0; i < 20; i++) {
        hanging[i] = call_to(f, "/hang");
        submit(f, &hanging[i]);
    }
    peer_await_requests(f->peer, 1 + 8);
    bf_client_stop(&f->client, 0);
    assert_int_equal(f->inbox.n, 21);
    unsigned sent = 0;
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(hanging[i].status, BF_E_CANCELLED);
        sent += hanging[i].maybe_arrived;
        bf_fetch_finish(&hanging[i]);
    }
    assert_int_equal(sent, 8);
    assert_int_equal(paused.status, BF_E_CANCELLED);
    bf_fetch_finish(&paused);
}

static void *release_soon(void *peer)
{
    peer_release(peer);
    return NULL;
}

static void a_stop_with_grace_lets_calls_in_flight_end(void **state)
{
    struct fixture *f = *state;
    struct bf_fetch call = call_to(f, "/hang");
    pthread_t thread;
    submit(f, &call);
    peer_await_requests(f->peer, 1);
    pthread_create(&thread, NULL, release_soon, f->peer);
    bf_client_stop(&f->client, 60000);
    pthread_join(thread, NULL);
    assert_answer(&call, 200, "at last");
    bf_fetch_finish(&call);
}

/* ---- addresses ---- */

/* The client with names of the test's own and, when `named`, those of them the configuration names. */
static void open_with_names(struct fixture *f, const char *named)
{
    struct bf_client_config config = small_config();
    char resolve[256];
    snprintf(resolve, sizeof resolve,
             "rebind.example:443:127.0.0.1,six.example:443:[::1],mapped.example:443:[::ffff:127.0.0.1],plain.example:%d:127.0.0.1",
             peer_port(f->peer));
    config.resolve = bf_strz(resolve);
    config.named_hosts = bf_strz(named);
    open_client(f, &config);
}

static void a_users_name_that_leads_to_loopback_is_refused_before_a_socket_is_opened(void **state)
{
    static const char *const urls[] = {"https://rebind.example/", "https://six.example/", "https://mapped.example/"};
    struct fixture *f = *state;
    open_with_names(f, "");
    for (unsigned i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct bf_fetch call = repeatable_to(f, "");
        call.url = urls[i];
        call.from = BF_URL_USER;
        if (bf_client_call(f->client, &call, NULL) != BF_E_FORBIDDEN)
            fail_msg("%s: %s", urls[i], call.error.cause);
        assert_int_equal(call.tries, 1);
        assert_false(call.maybe_arrived);
        bf_fetch_finish(&call);
    }
    assert_int_equal(stats(f).refused_address, 3);
    assert_int_equal(stats(f).breakers_opened, 0);
    assert_int_equal(peer_connections(f->peer), 0);
}

static void a_host_that_the_configuration_names_may_be_reached(void **state)
{
    struct fixture *f = *state;
    char url[64];
    struct bf_fetch call = call_to(f, "");
    open_with_names(f, "plain.example");
    snprintf(url, sizeof url, "http://plain.example:%d/ok", peer_port(f->peer));
    call.url = url;
    call.from = BF_URL_USER;
    assert_int_equal(bf_client_call(f->client, &call, NULL), BF_OK);
    bf_fetch_finish(&call);
    snprintf(url, sizeof url, "http://other.example:%d/ok", peer_port(f->peer));
    call.url = url;
    assert_int_equal(bf_client_submit(f->client, &call, NULL), BF_E_FORBIDDEN);
}

/* ---- threads ---- */

static void *twenty_calls(void *arg)
{
    struct fixture *f = arg;
    for (int i = 0; i < 20; i++) {
        char url[64];
        struct bf_fetch call;
        snprintf(url, sizeof url, "http://127.0.0.1:%d/ok", peer_port(f->peer));
        bf_fetch_init(&call);
        call.url = url;
        call.from = BF_URL_CONFIG;
        if (bf_client_call(f->client, &call, NULL) != BF_OK)
            return arg;
        bf_fetch_finish(&call);
    }
    return NULL;
}

static void many_threads_may_call_at_once(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[8];
    void *failed;
    for (unsigned i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, twenty_calls, f);
    for (unsigned i = 0; i < 8; i++) {
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(peer_requests(f->peer), 160);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_answer_comes_back_whole_and_its_headers_can_be_read),
        TEST(a_body_is_sent_from_the_callers_memory),
        TEST(headers_are_sent_as_given_and_nothing_is_invented),
        TEST(a_line_break_in_a_header_is_refused),
        TEST(a_header_too_long_to_be_sent_is_refused),
        TEST(parts_make_a_multipart_body),
        TEST(a_redirect_is_an_answer_and_is_not_followed),
        TEST(an_answer_above_its_cap_is_cut_off),
        TEST(a_peer_that_does_not_answer_is_left_at_the_deadline),
        TEST(a_call_that_waits_for_its_turn_ends_at_its_deadline),
        TEST(a_port_without_listener_is_unavailable_and_nothing_was_sent),
        TEST(half_an_answer_is_an_unknown_outcome),
        TEST(a_call_that_may_not_be_repeated_is_not_sent_again_even_by_libcurl),
        TEST(a_passing_fault_is_tried_again_after_a_pause_with_jitter),
        TEST(the_peers_retry_after_is_waited_for),
        TEST(a_retry_after_beyond_the_deadline_goes_to_the_caller),
        TEST(the_last_answer_stands_when_all_tries_are_used),
        TEST(what_the_client_did_wrong_is_not_tried_again),
        TEST(a_host_that_keeps_failing_is_left_alone_then_probed_once),
        TEST(throttling_does_not_open_the_breaker),
        TEST(a_judge_may_trip_the_breaker_at_the_first_answer),
        TEST(a_call_may_leave_the_hosts_breaker_alone),
        TEST(one_hosts_breaker_does_not_touch_another_host),
        TEST(a_host_that_hangs_does_not_take_the_places_of_another),
        TEST(a_full_queue_refuses),
        TEST(a_stop_ends_every_call),
        TEST(a_stop_with_grace_lets_calls_in_flight_end),
        TEST(a_users_name_that_leads_to_loopback_is_refused_before_a_socket_is_opened),
        TEST(a_host_that_the_configuration_names_may_be_reached),
        TEST(many_threads_may_call_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
