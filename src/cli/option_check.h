/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whether the value of an option makes sense. Asked before a command runs, so before anything is
 * contacted or read. Where it does not, `why` goes on after "--option": no value of a secret. */

#include <stdbool.h>

enum { OPTION_WHY_MAX = 512 };

bool option_check_hosts(const char *value, char why[OPTION_WHY_MAX]); /* patterns, or empty */
bool option_check_single_hosts(const char *value, char why[OPTION_WHY_MAX]);
bool option_check_places(const char *value, char why[OPTION_WHY_MAX]);
bool option_check_variable(const char *value, char why[OPTION_WHY_MAX]); /* NAME=VALUE */
bool option_check_records(const char *value, char why[OPTION_WHY_MAX]);  /* how many */
bool option_check_seconds(const char *value, char why[OPTION_WHY_MAX]);
bool option_check_since(const char *value, char why[OPTION_WHY_MAX]);
bool option_check_code(const char *value, char why[OPTION_WHY_MAX]); /* of a refusal */
bool option_check_decision(const char *value, char why[OPTION_WHY_MAX]);
bool option_check_yes_no(const char *value, char why[OPTION_WHY_MAX]);
bool option_check_url(const char *value, char why[OPTION_WHY_MAX]);
