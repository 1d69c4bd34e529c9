// SPDX-License-Identifier: Apache-2.0
/**
 * Real engines behind the gateway; tag {@code real-engines}, run by the Maven profile of that name. The engines are
 * installed and started by {@code scripts/e2e/engines.sh}.
 */
@NullMarked
package dev.tandem.gateway.it.real;

import org.jspecify.annotations.NullMarked;
