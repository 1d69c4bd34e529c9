// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import dev.tandem.simulator.transfer.Line;
import dev.tandem.simulator.wire.Json;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;

/** The faults that a simulated engine has at the moment; they may change at any time. Thread-safe. */
public final class Faults {
    private static final Set<String> PROBES =
            Set.of("/health", "/ping", "/version", "/load", "/metrics", "/v1/models", "/kv_event_sources");

    private final List<Armed> armed = new ArrayList<>();
    private final List<RawAnswer> rawAnswers = new ArrayList<>();

    /** Makes an empty set of faults. */
    public Faults() {}

    /** Adds a fault; throws {@link IllegalArgumentException} for one that cannot happen where it is to. */
    public synchronized void add(Fault fault) {
        if (fault.path().equals(Fault.KV)) {
            line(fault);
        }
        armed.add(new Armed(fault));
    }

    /** Removes all faults and raw answers. */
    public synchronized void clear() {
        armed.clear();
        rawAnswers.clear();
    }

    /**
     * Answers the next request that is no probe with exactly these bytes, in TCP segments of these sizes; what is left
     * over goes in one last segment. The connection stays as the bytes say: the caller closes it or a keep-alive goes
     * on.
     */
    public synchronized void respondWith(byte[] rawHttpResponse, int... segmentSizes) {
        rawAnswers.add(new RawAnswer("", rawHttpResponse.clone(), segmentSizes.clone()));
    }

    /** Answers the next request on a path with exactly these bytes. */
    public synchronized void respondOn(String path, byte[] rawHttpResponse) {
        rawAnswers.add(new RawAnswer(path, rawHttpResponse.clone(), new int[0]));
    }

    /** Returns the faults that are armed, as JSON. */
    synchronized ArrayNode json() {
        ArrayNode list = Json.array();
        armed.forEach(entry -> list.add(entry.fault.json(entry.left)));
        return list;
    }

    /** Arms the faults of a JSON object or of a list of them. */
    void add(JsonNode json) {
        read(json).forEach(this::add);
    }

    static List<Fault> read(JsonNode json) {
        List<Fault> faults = new ArrayList<>();
        if (json.isArray()) {
            json.forEach(entry -> faults.add(Fault.parse(entry)));
        } else {
            faults.add(Fault.parse(json));
        }
        return faults;
    }

    /** Returns the faults that hit a request now and counts them as fired. */
    synchronized List<Fault> take(String path) {
        List<Fault> hits = new ArrayList<>();
        for (Iterator<Armed> all = armed.iterator(); all.hasNext(); ) {
            Armed entry = all.next();
            if (entry.hits(path)) {
                hits.add(entry.fault);
                if (entry.fault.count() > 0 && --entry.left == 0) {
                    all.remove();
                }
            }
        }
        return hits;
    }

    /** Returns what becomes of a connection to the port at which KV is handed over. */
    Line line() {
        return take(Fault.KV).stream().map(Faults::line).findFirst().orElse(Line.GOOD);
    }

    private static Line line(Fault fault) {
        return switch (fault.kind()) {
            case CRASH -> Line.DEAD;
            case RESET -> Line.RESET;
            case STALL -> Line.SILENT;
            case GARBAGE -> Line.GARBLED;
            case STATUS -> Line.REFUSED;
            default ->
                throw new IllegalArgumentException("kind: " + fault.kind().wireName()
                        + " (expected: crash, reset, stall, garbage or status, where KV is handed over)");
        };
    }

    synchronized @Nullable RawAnswer takeRaw(String path) {
        RawAnswer found = rawAnswers.stream()
                .filter(raw -> raw.path.isEmpty() ? !isProbe(path) : raw.path.equals(path))
                .findFirst()
                .orElse(null);
        rawAnswers.remove(found);
        return found;
    }

    /** Probes come at any time, so they use up no fault that does not name them. */
    private static boolean isProbe(String path) {
        return PROBES.contains(path);
    }

    /** A response to be sent byte for byte. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record RawAnswer(String path, byte[] bytes, int[] segments) {}

    /** A fault with the number of times that it still fires. */
    private static final class Armed {
        private final Fault fault;
        private int left;

        Armed(Fault fault) {
            this.fault = fault;
            this.left = fault.count();
        }

        boolean hits(String path) {
            return switch (fault.kind()) {
                case HEALTH_UP, HEALTH_DOWN -> path.equals("/health");
                case NO_MODELS -> path.equals("/v1/models");
                case STATUS,
                        DELAY,
                        STALL,
                        RESET,
                        TRUNCATE,
                        GARBAGE,
                        SHORTEN,
                        NO_PARAMS,
                        EMPTY_PARAMS,
                        ERROR_EVENT,
                        TRICKLE,
                        RECOMPUTED,
                        CALLBACK_TWICE,
                        CALLBACK_UNKNOWN,
                        CALLBACK_NEVER,
                        CALLBACK_GARBAGE,
                        NOTICE_NEVER,
                        NOTICE_GARBAGE,
                        CRASH,
                        RESTART ->
                    switch (fault.path()) {
                        case "" -> !path.equals(Fault.KV) && !isProbe(path);
                        case "*" -> !path.equals(Fault.KV);
                        default -> fault.path().equals(path);
                    };
            };
        }
    }
}
