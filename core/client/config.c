/* SPDX-License-Identifier: Apache-2.0 */
#include "core/http_client.h"

#define SECTION "http_client"

const struct bf_config_row bf_client_rows[] = {
    {SECTION, "queue", BF_CF_INT, "10000", 1, 1000000, "", NULL, "Outgoing calls that may wait or run; more are refused"},
    {SECTION, "in_flight", BF_CF_INT, "512", 1, 10000, "", NULL, "Outgoing calls that run at the same time"},
    {SECTION, "in_flight_per_host", BF_CF_INT, "100", 1, 10000, "", NULL, "Of those, calls to one host"},
    {SECTION, "connections_per_host", BF_CF_INT, "4", 1, 256, "", NULL, "Connections to one host; HTTP/2 shares them"},
    {SECTION, "connections", BF_CF_INT, "256", 1, 10000, "", NULL, "Connections to all hosts"},
    {SECTION, "breaker_failures", BF_CF_INT, "5", 1, 1000, "", NULL, "Failures in a row after which a host is left alone"},
    {SECTION, "breaker_ms", BF_CF_INT, "10000", 100, 3600000, "ms", NULL, "How long at first; doubles while the host stays away"},
    {SECTION, "breaker_ms_max", BF_CF_INT, "300000", 100, 86400000, "ms", NULL, "How long at most"},
    {SECTION, "named_hosts", BF_CF_STR, "", 0, 4000, "", NULL,
     "Hosts (name, or name:port), separated by commas, that URLs supplied by users may reach by plain http or at private addresses"},
    {SECTION, "ca_file", BF_CF_PATH, NULL, 0, 0, "", NULL, "PEM file of certificate authorities to trust instead of the system's"},
    {SECTION, "resolve", BF_CF_STR, "", 0, 4000, "", NULL, "name:port:address, separated by commas, instead of asking DNS"},
};
const unsigned bf_client_n_rows = sizeof bf_client_rows / sizeof bf_client_rows[0];

void bf_client_config_read(const struct bf_config *config, struct bf_client_config *ret)
{
    *ret = (struct bf_client_config){
        .queue_max = (unsigned)bf_config_int(config, SECTION, "queue"),
        .in_flight_max = (unsigned)bf_config_int(config, SECTION, "in_flight"),
        .in_flight_per_host_max = (unsigned)bf_config_int(config, SECTION, "in_flight_per_host"),
        .connections_per_host_max = (unsigned)bf_config_int(config, SECTION, "connections_per_host"),
        .connections_max = (unsigned)bf_config_int(config, SECTION, "connections"),
        .breaker_failures = (unsigned)bf_config_int(config, SECTION, "breaker_failures"),
        .breaker_ms = (unsigned)bf_config_int(config, SECTION, "breaker_ms"),
        .breaker_ms_max = (unsigned)bf_config_int(config, SECTION, "breaker_ms_max"),
        .named_hosts = bf_config_str(config, SECTION, "named_hosts"),
        .ca_file = bf_config_str(config, SECTION, "ca_file"),
        .resolve = bf_config_str(config, SECTION, "resolve"),
    };
}
