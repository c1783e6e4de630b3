/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The process that holds the CA key and the sealing keys. It signs leaves, opens values for (view,
 * host), and answers control's calls. No network. */

/* The process's main; returns its exit status. */
int keyholder_main(void);
