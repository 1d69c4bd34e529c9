// SPDX-License-Identifier: Apache-2.0
/** What takes part when Tandem is pressed hard: gateways, engines, and clients of every kind. */
@NullMarked
package dev.tandem.bench.stress.field;

import org.jspecify.annotations.NullMarked;
