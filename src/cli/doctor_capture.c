/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the machine really captures what listen.transparent waits for. Never changes a rule. */
#include "cli/capture_rules.h"
#include "cli/doctor.h"

#include "base/buffer.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { OUTPUT_MAX = 16 * 1024 * 1024 };

#define RULES_ADVICE                                                                               \
    "Load packaging/nftables/sealgate.nft, with the interfaces of the sandboxes and the ports of " \
    "the configuration in its first lines: see docs/transparent.md."

static bool read_all(FILE *file, struct buffer *out)
{
    char piece[4096];
    size_t len;

    while ((len = fread(piece, 1, sizeof(piece), file)) > 0) {
        if (buffer_append(out, slice_of(piece, len)) != OK)
            return false;
    }
    return true;
}

/* What a fixed command prints; false when it fails. */
static bool run(const char *command, struct buffer *out)
{
    FILE *file = popen(command, "re");
    if (file == NULL)
        return false;

    bool is_read = read_all(file, out);
    return pclose(file) == 0 && is_read;
}

/* 0 also when there is no such setting. */
static int read_setting(const char *path)
{
    int value = 0;
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return 0;
    if (fscanf(file, "%d", &value) != 1)
        value = 0;
    fclose(file);
    return value;
}

static void check_address(struct doctor *doctor, const struct ip_endpoint *endpoint)
{
    char address[IP_ADDRESS_TEXT_MAX];
    struct ip_network loopback[2];

    if (ip_network_parse(SLICE("127.0.0.0/8"), &loopback[0]) != OK ||
        ip_network_parse(SLICE("::1/128"), &loopback[1]) != OK ||
        (!ip_network_contains(&loopback[0], &endpoint->address) &&
         !ip_network_contains(&loopback[1], &endpoint->address)))
        return;
    ip_address_format(&endpoint->address, address);
    doctor_find_format(doctor, DOCTOR_NOTE,
                       "A redirected connection goes to the address of the interface it came in "
                       "through: listen on 0.0.0.0 and [::].",
                       "listen.transparent %s is a loopback address", address);
}

static void check_captured(struct doctor *doctor, const struct capture_rules *rules, uint16_t port)
{
    bool is_captured = rules->redirects || rules->uses_tproxy;

    doctor_find_format(doctor, is_captured ? DOCTOR_FINE : DOCTOR_BROKEN, RULES_ADVICE,
                       is_captured ? "nftables sends connections to listen.transparent port %u"
                                   : "nftables sends nothing to listen.transparent port %u",
                       port);
}

static void check_host(struct doctor *doctor, const struct capture_rules *rules)
{
    doctor_find(doctor, rules->guards_input ? DOCTOR_FINE : DOCTOR_BROKEN,
                rules->guards_input ? "a rule refuses packets to this machine"
                                    : "no rule refuses packets to this machine: sandboxes reach "
                                      "its services",
                RULES_ADVICE);
}

static void check_forwarding(struct doctor *doctor, const struct capture_rules *rules)
{
    bool forwards = read_setting("/proc/sys/net/ipv4/ip_forward") != 0 ||
                    read_setting("/proc/sys/net/ipv6/conf/all/forwarding") != 0;

    if (!forwards)
        doctor_find(doctor, DOCTOR_FINE, "this machine forwards no packets", NULL);
    else
        doctor_find(doctor, rules->refuses ? DOCTOR_FINE : DOCTOR_BROKEN,
                    rules->refuses ? "this machine forwards packets, and a rule refuses some"
                                   : "this machine forwards packets, and no rule refuses those of "
                                     "sandboxes",
                    "Load packaging/nftables/sealgate.nft, or set net.ipv4.ip_forward and "
                    "net.ipv6.conf.all.forwarding to 0: capture needs neither.");
}

static void check_sources(struct doctor *doctor, const struct capture_rules *rules)
{
    bool is_strict = read_setting("/proc/sys/net/ipv4/conf/all/rp_filter") == 1;

    doctor_find(doctor, rules->checks_paths || is_strict ? DOCTOR_FINE : DOCTOR_NOTE,
                rules->checks_paths ? "a rule checks the source addresses of packets"
                : is_strict ? "the kernel checks the source addresses of packets (rp_filter)"
                            : "nothing checks the source addresses of packets",
                "A sandbox could speak from another's address, which is how it is known: load "
                "packaging/nftables/sealgate.nft, or set net.ipv4.conf.all.rp_filter to 1.");
}

/* Whether some interface has the setting, or all have it at once. */
static bool is_set_anywhere(const char *setting)
{
    char pattern[128];
    glob_t found;
    bool is_set = false;

    snprintf(pattern, sizeof(pattern), "/proc/sys/net/ipv4/conf/*/%s", setting);
    if (glob(pattern, 0, NULL, &found) != 0)
        return false;
    for (size_t i = 0; i < found.gl_pathc; i++)
        is_set |= read_setting(found.gl_pathv[i]) != 0;
    globfree(&found);
    return is_set;
}

static void check_localnet(struct doctor *doctor)
{
    if (is_set_anywhere("route_localnet"))
        doctor_find(doctor, DOCTOR_NOTE, "packets to 127.0.0.0/8 are taken from the network",
                    "Set net.ipv4.conf.*.route_localnet to 0: what listens on loopback alone "
                    "believes to be unreachable.");
}

static bool prints(const char *command, struct slice words)
{
    OWNED_STRUCT(buffer) *text = &(struct buffer){.limit = OUTPUT_MAX};

    return run(command, text) && slice_find_slice(buffer_view(text), words) < buffer_len(text);
}

#define IP(arguments) "PATH=$PATH:/usr/sbin:/sbin ip " arguments " 2>/dev/null"

/* TPROXY marks packets; without a rule for the mark they are forwarded, or lost. */
static void check_marks(struct doctor *doctor)
{
    static const struct {
        const char *what, *missing, *rules, *routes, *advice;
    } families[] = {
        {"IPv4 packets that TPROXY marked have a route of their own",
         "TPROXY is used, and no route delivers marked IPv4 packets here", IP("-4 rule show"),
         IP("-4 route show table all"),
         "ip rule add fwmark 0x5ea1 lookup 5320; ip route add local default dev lo table 5320."},
        {"IPv6 packets that TPROXY marked have a route of their own",
         "TPROXY is used, and no route delivers marked IPv6 packets here", IP("-6 rule show"),
         IP("-6 route show table all"),
         "ip -6 rule add fwmark 0x5ea1 lookup 5320; ip -6 route add local default dev lo table "
         "5320."},
    };

    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        bool is_routed = prints(families[i].rules, SLICE("fwmark")) &&
                         prints(families[i].routes, SLICE("local default dev lo"));
        doctor_find(doctor, is_routed ? DOCTOR_FINE : DOCTOR_BROKEN,
                    is_routed ? families[i].what : families[i].missing, families[i].advice);
    }
    /* The way back to the sandbox is looked up with the mark, and ends on this machine. */
    if (is_set_anywhere("src_valid_mark") && is_set_anywhere("rp_filter"))
        doctor_find(doctor, DOCTOR_BROKEN,
                    "rp_filter looks at marks (src_valid_mark), so packets that TPROXY marked are "
                    "dropped",
                    "Set net.ipv4.conf.*.src_valid_mark to 0, or net.ipv4.conf.*.rp_filter, or "
                    "load packaging/nftables/sealgate.nft instead.");
}

/* On port 53 it may be asked by its address, without a rule. */
static void check_names(struct doctor *doctor, struct slice ruleset)
{
    const struct config_endpoints *list = &doctor->config->listen_dns;

    if (list->count == 0 || list->items[0].port == 53)
        return;
    bool is_captured = capture_rules_read(ruleset, list->items[0].port).redirects;
    doctor_find_format(doctor, is_captured ? DOCTOR_FINE : DOCTOR_BROKEN, RULES_ADVICE,
                       is_captured ? "nftables sends queries to listen.dns port %u"
                                   : "nftables sends nothing to listen.dns port %u",
                       list->items[0].port);
}

static void check_port(struct doctor *doctor, struct slice ruleset, uint16_t port)
{
    struct capture_rules rules = capture_rules_read(ruleset, port);

    check_captured(doctor, &rules, port);
    check_host(doctor, &rules);
    check_forwarding(doctor, &rules);
    check_sources(doctor, &rules);
    check_localnet(doctor);
    check_names(doctor, ruleset);
    if (rules.uses_tproxy)
        check_marks(doctor);
}

static void check_rules(struct doctor *doctor)
{
    OWNED_STRUCT(buffer) *ruleset = &(struct buffer){.limit = OUTPUT_MAX};
    const struct config_endpoints *list = &doctor->config->listen_transparent;

    if (geteuid() != 0)
        doctor_find(doctor, DOCTOR_NOTE, "only root sees the rules of nftables",
                    "Run sealgate doctor as root to have them checked.");
    else if (!run("PATH=$PATH:/usr/sbin:/sbin nft -s -t list ruleset 2>/dev/null", ruleset))
        doctor_find(doctor, DOCTOR_BROKEN, "nftables does not answer",
                    "Install nftables, on a kernel with nf_tables. " RULES_ADVICE);
    else
        check_port(doctor, buffer_view(ruleset), list->items[0].port);
}

void doctor_check_capture(struct doctor *doctor)
{
    const struct config *config = doctor->config;

    if (config->listen_transparent.count == 0)
        return;
    for (size_t i = 0; i < config->listen_transparent.count; i++)
        check_address(doctor, &config->listen_transparent.items[i]);
    if (config->listen_dns.count == 0)
        doctor_find(doctor, DOCTOR_NOTE, "listen.transparent is set, and listen.dns is not",
                    "Captured programs look names up before they connect: let the DNS gate answer "
                    "them.");
    check_rules(doctor);
}
