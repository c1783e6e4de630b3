/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a server answers, and whether its ports are free. Never sends a byte to another's port.
 */
#include "cli/data_dir.h"
#include "cli/doctor.h"
#include "control/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void advise_to_start(struct doctor *doctor, const char *path)
{
    const char *config = cli_option(doctor->cli, "config");
    const char *folder = cli_option(doctor->cli, "data-dir");
    char advice[2 * DATA_DIR_PATH_MAX];

    snprintf(advice, sizeof(advice), "Start it: sealgate serve%s%s%s%s",
             config == NULL ? "" : " --config ", config == NULL ? "" : config,
             folder == NULL ? "" : " --data-dir ", folder == NULL ? "" : folder);
    doctor_find_format(doctor, DOCTOR_NOTE, advice, "no server answers on %s", path);
}

void doctor_check_server(struct doctor *doctor)
{
    OWNED_STRUCT(client_answer) *answer = &(struct client_answer){.status = 0};
    char path[DATA_DIR_PATH_MAX];
    const struct client client = {.socket_path = path};
    const struct client_request request = {"GET", "/readyz", NULL};

    snprintf(path, sizeof(path), "%.*s/control.sock", SLICE_ARG(doctor->config->data_dir));
    doctor->is_serving = client_call(&client, &request, answer) == OK;
    if (!doctor->is_serving)
        advise_to_start(doctor, path);
    else
        doctor_find_format(doctor, answer->status == 200 ? DOCTOR_FINE : DOCTOR_BROKEN,
                           "Its log says which process does not start.",
                           answer->status == 200 ? "a server answers on %s, and is ready"
                                                 : "a server answers on %s, but is not ready",
                           path);
}

/* 0 or the errno of binding. */
static int try_bind(const struct ip_endpoint *endpoint)
{
    static const int one = 1;
    struct sockaddr_storage address;
    socklen_t len = ip_endpoint_to_sockaddr(endpoint, &address);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = 0;

    if (fd < 0)
        return errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        bind(fd, (const struct sockaddr *)&address, len) != 0)
        result = errno;
    close(fd);
    return result;
}

static void check_port(struct doctor *doctor, const char *kind, const struct ip_endpoint *endpoint)
{
    char address[IP_ADDRESS_TEXT_MAX];
    int failure = try_bind(endpoint);

    ip_address_format(&endpoint->address, address);
    if (failure == EADDRINUSE && doctor->is_serving)
        doctor_find_format(doctor, DOCTOR_FINE, NULL, "%s %s port %u is in use, by the server",
                           kind, address, endpoint->port);
    else if (failure == 0)
        doctor_find_format(doctor, DOCTOR_FINE, NULL, "%s %s port %u is free", kind, address,
                           endpoint->port);
    else
        doctor_find_format(
            doctor, DOCTOR_BROKEN,
            "Stop what listens there, or name another in the configuration (listen).",
            "%s %s port %u: %s", kind, address, endpoint->port, strerror(failure));
}

void doctor_check_ports(struct doctor *doctor)
{
    const struct config *config = doctor->config;

    for (size_t i = 0; i < config->listen_proxy.count; i++)
        check_port(doctor, "listen.proxy", &config->listen_proxy.items[i]);
    for (size_t i = 0; i < config->listen_transparent.count; i++)
        check_port(doctor, "listen.transparent", &config->listen_transparent.items[i]);
    for (size_t i = 0; i < config->listen_dns.count; i++)
        check_port(doctor, "listen.dns", &config->listen_dns.items[i]);
    for (size_t i = 0; i < config->listen_control.count; i++)
        check_port(doctor, "listen.control", &config->listen_control.items[i]);
}
