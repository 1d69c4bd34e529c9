// SPDX-License-Identifier: Apache-2.0
/** Trials of pairs: warm-up and canary, with prompts of the gateway's own, apart from the requests of clients. */
@NullMarked
package dev.tandem.gateway.trial;

import org.jspecify.annotations.NullMarked;
