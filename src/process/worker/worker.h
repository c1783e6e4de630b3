/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A data-plane process: proxy/ with its services implemented by channels to control, dialer and
 * keyholder. */

/* The process's main; returns its exit status. */
int worker_main(unsigned index);
