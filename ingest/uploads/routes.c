/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/uploads/uploads.h"

const struct bf_route bf__upload_routes[BF__UPLOAD_ROUTES] = {
    {.method = "OPTIONS", .pattern = "/v1/uploads", .handler = bf__tus_options, .public = true, .summary = "tus: what this server can do"},
    {.method = "OPTIONS", .pattern = "/v1/uploads/{id}", .handler = bf__tus_options, .public = true, .summary = "tus: what this server can do"},
    {.method = "POST", .pattern = "/v1/uploads", .sink = &bf__tus_sink, .summary = "tus: create an upload, with its first bytes or without"},
    {.method = "HEAD", .pattern = "/v1/uploads/{id}", .handler = bf__tus_handle, .summary = "tus: how far an upload is"},
    {.method = "PATCH", .pattern = "/v1/uploads/{id}", .sink = &bf__tus_sink, .summary = "tus: more bytes"},
    {.method = "DELETE", .pattern = "/v1/uploads/{id}", .handler = bf__tus_handle, .summary = "tus: give an upload up"},
    {.method = "POST", .pattern = "/v1/uploads/{id}", .sink = &bf__tus_sink,
     .summary = "tus: what X-HTTP-Method-Override says, where a network lets only POST through"},
};
