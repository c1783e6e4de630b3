/* SPDX-License-Identifier: Apache-2.0 */
/* sealgate doctor: asks every question and prints the answers. Never changes anything. */
#include "cli/doctor.h"

#include "cli/commands.h"
#include "cli/data_dir.h"
#include "cli/output.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const verdict_names[] = {
    [DOCTOR_FINE] = "ok", [DOCTOR_NOTE] = "note", [DOCTOR_BROKEN] = "broken"};

void doctor_find(struct doctor *doctor, enum doctor_verdict verdict, const char *what,
                 const char *advice)
{
    json_t *finding = json_pack("{s:s, s:s}", "verdict", verdict_names[verdict], "finding", what);

    if (verdict != DOCTOR_FINE && advice != NULL)
        json_object_set_new(finding, "advice", json_string(advice));
    json_array_append_new(doctor->findings, finding);
    doctor->broken += verdict == DOCTOR_BROKEN;
}

void doctor_find_format(struct doctor *doctor, enum doctor_verdict verdict, const char *advice,
                        const char *format, ...)
{
    char raw[512], what[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(raw, sizeof(raw), format, arguments);
    va_end(arguments);
    output_clean(raw, what, sizeof(what));
    doctor_find(doctor, verdict, what, advice);
}

static void print_findings(const struct doctor *doctor)
{
    for (size_t i = 0; i < json_array_size(doctor->findings); i++) {
        const json_t *finding = json_array_get(doctor->findings, i);
        const char *advice = json_string_value(json_object_get(finding, "advice"));

        printf("%-7s %s\n", json_string_value(json_object_get(finding, "verdict")),
               json_string_value(json_object_get(finding, "finding")));
        if (advice != NULL)
            printf("        %s\n", advice);
    }
    printf("\n%s\n", doctor->broken == 0 ? "Nothing keeps sealgate from working here."
                                         : "Something keeps sealgate from working here.");
}

static void (*const checks[])(struct doctor *doctor) = {
    doctor_check_server,     doctor_check_kernel,   doctor_check_landlock,  doctor_check_filter,
    doctor_check_namespaces, doctor_check_limits,   doctor_check_data_dir,  doctor_check_ca,
    doctor_check_roots,      doctor_check_upstream, doctor_check_resolvers, doctor_check_ports,
    doctor_check_capture,
};

enum cli_status doctor_run(struct cli *cli)
{
    OWNED_STRUCT(config) *config = NULL;

    if (!data_dir_load_config(cli, &config))
        return CLI_FAILED;
    struct doctor doctor = {.cli = cli, .config = config, .findings = json_array()};
    for (size_t i = 0; i < ARRAY_LEN(checks); i++)
        checks[i](&doctor);
    if (output_is_json(cli))
        output_json(doctor.findings);
    else
        print_findings(&doctor);
    json_decref(doctor.findings);
    return doctor.broken == 0 ? CLI_DONE : CLI_FAILED;
}
