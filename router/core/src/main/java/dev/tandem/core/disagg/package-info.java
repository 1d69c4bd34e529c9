// SPDX-License-Identifier: Apache-2.0
/** Prefill and decode on two workers: which legs an attempt has, in which order, and what each changes in the body. */
@NullMarked
package dev.tandem.core.disagg;

import org.jspecify.annotations.NullMarked;
