/* SPDX-License-Identifier: Apache-2.0 */
/* bare_push URL CA-FILE CONCURRENCY N: the baseline of Web Push. N POSTs of 1 KB over one HTTP/2 connection by nothing but libcurl's multi
 * interface, CONCURRENCY at a time, handles reused. Prints "RATE_PER_S CPU_US_PER_OP FAILED". */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t discard(char *p, size_t size, size_t n, void *arg)
{
    (void)p, (void)arg;
    return size * n;
}

static CURL *make_handle(const char *url, const char *ca_file, struct curl_slist *headers, const char *body, long n)
{
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, n);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
    return easy;
}

/* Counts what ended, and sends it out again while there is something left to send. */
static void collect(CURLM *multi, unsigned *started, unsigned n, unsigned *done, unsigned *failed)
{
    CURLMsg *m;
    int left;
    while ((m = curl_multi_info_read(multi, &left)) != NULL) {
        CURL *easy = m->easy_handle;
        long status = 0;
        CURLcode code = m->data.result;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        *failed += code != CURLE_OK || status / 100 != 2;
        ++*done;
        curl_multi_remove_handle(multi, easy);
        if (*started < n) {
            ++*started;
            curl_multi_add_handle(multi, easy);
        } else {
            curl_easy_cleanup(easy);
        }
    }
}

int main(int argc, char **argv)
{
    static char body[1024 + 103]; /* 1 KB of payload as it stands on the wire once it is encrypted */
    unsigned n, concurrency, started = 0, done = 0, failed = 0;
    if (argc != 5)
        return 2;
    concurrency = (unsigned)atoi(argv[3]);
    n = (unsigned)atoi(argv[4]);
    memset(body, 'x', sizeof body);
    struct curl_slist *headers = curl_slist_append(NULL, "content-encoding: aes128gcm");
    headers = curl_slist_append(headers, "content-type: application/octet-stream");
    headers = curl_slist_append(headers, "ttl: 60");
    CURLM *multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, 1L);
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (; started < concurrency && started < n; started++)
        curl_multi_add_handle(multi, make_handle(argv[1], argv[2], headers, body, sizeof body));
    while (done < n) {
        int running;
        curl_multi_perform(multi, &running);
        collect(multi, &started, n, &done, &failed);
        if (done < n)
            curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    wall = seconds(CLOCK_MONOTONIC) - wall;
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("%.0f %.1f %u\n", n / wall, cpu * 1e6 / n, failed);
    curl_multi_cleanup(multi);
    curl_slist_free_all(headers);
    return failed > 0;
}
