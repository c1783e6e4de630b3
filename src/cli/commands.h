/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The tables of commands, one file a group, each ended by an entry without a name. commands.c puts
 * them together. */

#include "cli/command.h"

extern const struct cli_command commands_root;

#define COMMANDS_OPTIONS(list) .options = (list), .option_count = ARRAY_LEN(list)

extern const struct cli_command store_commands[], secret_commands[], sandbox_commands[],
    checkpoint_commands[], ca_commands[], keys_commands[], org_commands[], api_key_commands[],
    audit_commands[];

/* Commands without a group: what commands.c names. */
enum cli_status serve_run(struct cli *cli);
enum cli_status serve_run_process(struct cli *cli);
enum cli_status run_run(struct cli *cli);
enum cli_status explain_run(struct cli *cli);
enum cli_status explain_run_allowed_hosts(struct cli *cli);
enum cli_status seal_run(struct cli *cli);
enum cli_status check_config_run(struct cli *cli);
enum cli_status doctor_run(struct cli *cli);
enum cli_status manual_run(struct cli *cli);
enum cli_status version_run(struct cli *cli);
