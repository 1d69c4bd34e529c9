// SPDX-License-Identifier: Apache-2.0
/** Health of the gateway for people, balancers and orchestrators. */
@NullMarked
package dev.tandem.gateway.ops;

import org.jspecify.annotations.NullMarked;
