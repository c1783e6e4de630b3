/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The process with the API and the database: control/ with its services implemented by channels. It
 * has the public sealing key alone. */

/* The process's main; returns its exit status. */
int control_process_main(void);
