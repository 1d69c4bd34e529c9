// SPDX-License-Identifier: Apache-2.0
/** Goes on with a stream whose worker has died, on another worker, from the tokens that the client has. */
@NullMarked
package dev.tandem.gateway.resume;

import org.jspecify.annotations.NullMarked;
