/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What is allowed, and which secret goes where. The only header of policy/ that others include. */

#include "policy/address_guard.h"
#include "policy/decision.h"
#include "policy/host_list.h"
#include "policy/host_pattern.h"
#include "policy/place.h"
#include "policy/refusal_code.h"
#include "policy/token.h"
#include "policy/view.h"
#include "policy/view_change.h"
