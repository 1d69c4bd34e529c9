// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.simulator.http.SeenRequest;
import dev.tandem.simulator.http.ServerHandler;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the engines of a stack were sent for hand-overs, over many requests: nothing twice, nothing of a client, nothing
 * that strict engines refuse (foreign, changed or older than its lease), and no KV left without being counted. Confined
 * to one thread.
 */
final class HandoverLedger {
    /** Stands in every hand-over field that clients of the test send. */
    static final String OF_A_CLIENT = "evil";

    /** What a protocol uses once, in bodies. */
    private static final Pattern SINGLE_USE = Pattern.compile(
            "\"(remote_request_id|transfer_id|kv_request_id|bootstrap_room|request_id|req_id)\":\\s*\"?([^\",}\\s]+)");

    /** How a {@link DrawnRequest} begins to say its prompt. */
    private static final Pattern PROMPT = Pattern.compile("\"request (\\d+) ");

    /** What p2p-nccl and MoRIIO name a hand-over by; the hexadecimal digits at its end are drawn for each. */
    private static final Pattern ADDRESSES = Pattern.compile("___decode_addr_.*_([0-9a-f]{32})$");

    /** Blocks of the longest prompt: LMCache's engines count what is left in blocks. */
    private static final long MOST_BLOCKS = 64;

    private static final Map<String, Long> STRANDED = Map.of(
            "kv_kept", 1L,
            "kv_expired", 1L,
            "strandedTensors", 1L,
            "unclaimedWrites", 1L,
            "strandedBlocks", MOST_BLOCKS);

    private final HandoverStack stack;
    private final Set<String> used = new HashSet<>();
    private final Map<String, Integer> legsOf = new HashMap<>();
    private long legs;

    HandoverLedger(HandoverStack stack) {
        this.stack = stack;
    }

    /** Checks what engines have been sent since the last call; to be called while no request runs. */
    void check() {
        assertThat(stack.violations())
                .as(
                        "%s",
                        stack.violations().stream().map(SeenRequest::violation).toList())
                .isEmpty();
        for (String id : stack.ids()) {
            ServerHandler.Owner engine = stack.engine(id);
            for (SeenRequest seen : engine.journal().requests()) {
                check(id.charAt(0), seen);
            }
            engine.journal().clear();
        }
    }

    /** Returns how many legs were sent with something that may be used once. */
    long legs() {
        return legs;
    }

    /** Returns how often engines have been asked by one request: the legs of the side that has seen more of them. */
    int attempts(long request) {
        return Math.max(legsOf.getOrDefault("p " + request, 0), legsOf.getOrDefault("d " + request, 0));
    }

    /** Returns how many KV caches the gateway has counted as left behind. */
    long counted() {
        return (long) stack.rig().metric("tandem_kv_stranded_seconds_count");
    }

    /** Returns how many KV caches the engines hold, or held to the end of their leases, for nobody. */
    long stranded() {
        return stack.ids().stream()
                .map(id -> stack.engine(id).facts())
                .mapToLong(facts -> STRANDED.entrySet().stream()
                        .mapToLong(kind -> Math.ceilDiv(facts.getOrDefault(kind.getKey(), 0L), kind.getValue()))
                        .sum())
                .sum();
    }

    private void check(char side, SeenRequest seen) {
        String body = seen.bodyText();
        assertThat(body).as("what a client said of hand-overs").doesNotContain(OF_A_CLIENT);
        assertThat(seen.headers())
                .allSatisfy(header -> assertThat(header.getValue()).doesNotContain(OF_A_CLIENT));
        Matcher prompt = PROMPT.matcher(body);
        if (prompt.find()) {
            legsOf.merge(side + " " + prompt.group(1), 1, Integer::sum);
        }
        Set<String> own = new HashSet<>();
        for (Matcher found = SINGLE_USE.matcher(body); found.find(); ) {
            own.add(found.group(1) + "=" + found.group(2));
        }
        Matcher address = ADDRESSES.matcher(seen.header("x-request-id").orElse(""));
        if (address.find()) {
            own.add("x-request-id=" + address.group(1));
        }
        own.forEach(key -> assertThat(used.add(side + " " + key))
                .as("first use of %s in %s", key, seen)
                .isTrue());
        legs += own.isEmpty() ? 0 : 1;
    }
}
