// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import dev.tandem.core.fleet.KvAddress;
import dev.tandem.core.fleet.Role;
import java.net.URI;
import org.jspecify.annotations.Nullable;

/**
 * An engine as it describes itself. Immutable; equal by its components.
 *
 * @param role prefill or decode
 * @param baseUrl where it takes requests
 * @param kv where other engines reach its KV cache
 * @param transferMode how it moves KV caches, {@code READ} or {@code WRITE}; null when its protocol has one way only
 */
public record RegisteredEngine(
        Role role, URI baseUrl, KvAddress kv, @Nullable String transferMode) {}
