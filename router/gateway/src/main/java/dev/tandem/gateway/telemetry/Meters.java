// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import static dev.tandem.gateway.telemetry.MeterTag.API;
import static dev.tandem.gateway.telemetry.MeterTag.CODE;
import static dev.tandem.gateway.telemetry.MeterTag.CONNECTOR;
import static dev.tandem.gateway.telemetry.MeterTag.FATE;
import static dev.tandem.gateway.telemetry.MeterTag.FINDING;
import static dev.tandem.gateway.telemetry.MeterTag.LEG;
import static dev.tandem.gateway.telemetry.MeterTag.MESSAGE;
import static dev.tandem.gateway.telemetry.MeterTag.MODEL;
import static dev.tandem.gateway.telemetry.MeterTag.OUTCOME;
import static dev.tandem.gateway.telemetry.MeterTag.PAIR;
import static dev.tandem.gateway.telemetry.MeterTag.POLICY;
import static dev.tandem.gateway.telemetry.MeterTag.REASON;
import static dev.tandem.gateway.telemetry.MeterTag.RESULT;
import static dev.tandem.gateway.telemetry.MeterTag.ROLE;
import static dev.tandem.gateway.telemetry.MeterTag.TURN;
import static dev.tandem.gateway.telemetry.MeterTag.VERDICT;
import static dev.tandem.gateway.telemetry.MeterTag.WORKER;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;

/**
 * Every meter of the gateway, one row each. Immutable.
 *
 * <p>The rows are the only place where a meter gets its name, unit, tags and sentence; {@code docs/metrics.md} is
 * generated from them. Names are a contract with dashboards: add rows, do not rename them.
 */
public enum Meters {
    /** Requests that have ended. */
    REQUESTS("tandem.requests", "Requests that have ended, each counted once.", API, MODEL, OUTCOME),
    /** Requests that ended with a failure. */
    FAILURES("tandem.failures", "Requests that ended with an error or broke off after the answer had begun.", CODE),
    /** Clients that left. */
    ABORTS("tandem.aborts", Type.COUNTER, Unit.NONE, "Requests whose client left before it had the whole answer."),
    /** Further attempts. */
    RETRIES("tandem.retries", Type.COUNTER, Unit.NONE, "Attempts beyond the first of a request."),
    /** Further attempts that were not made. */
    RETRIES_DENIED(
            "tandem.retries.denied",
            "Failed attempts that no other followed, because there were too many retries already (tandem.retry.budget)."),
    /** Failed legs. */
    LEG_FAILURES("tandem.leg.failures", "Legs that failed, those that another attempt made good included.", CODE, LEG),
    /** Streams that broke off. */
    RESUMES(
            "tandem.resumes",
            "Streams that broke off behind their first byte with tandem.stream.resume, by what became of them.",
            FATE),
    /** Turns of conversations. */
    TURNS(
            "tandem.turns",
            "KV caches that decode workers keep for the next turn of a conversation (tandem.disagg.reuse-turns), by what"
                    + " became of them; kept counts all of them.",
            TURN),
    /** What became of hand-overs. */
    HANDOVERS(
            "tandem.handovers",
            "KV caches that prefill workers computed for decode workers and handed over by name, by what became of them;"
                    + " an abandoned one stays on the prefill worker until its lease ends.",
            CONNECTOR,
            RESULT),
    /** What stays behind on engines. */
    KV_STRANDED(
            "tandem.kv.stranded",
            Buckets.HOLD,
            "Time for which engines go on holding KV caches that nobody will fetch; 0 s stands for no limit.",
            CONNECTOR,
            PAIR),
    /** Whether hand-overs work. */
    HANDOVER_EFFECTIVE_RATIO(
            "tandem.handover.effective.ratio",
            List.of(0.05, 0.25, 0.5, 0.75, 0.95, 1.0),
            "Share of a handed over prompt that the decode worker found, of requests and trials in which it says so; 0"
                    + " stands for a prompt that was computed twice.",
            CONNECTOR,
            PAIR),
    /** Trials of pairs. */
    CANARY_TRIALS(
            "tandem.canary.trials",
            "Trials of pairs with prompts of the gateway's own, by what was found.",
            CONNECTOR,
            FINDING),
    /** Pairs that are not used. */
    CANARY_QUARANTINED(
            "tandem.canary.quarantined.pairs",
            Type.GAUGE,
            Unit.NONE,
            "Pairs that get no requests because they answered something else than an engine alone."),
    /** Times at which workers were ejected. */
    EJECTIONS(
            "tandem.ejections",
            "Times at which a worker that passes its probes was ejected, because it failed requests.",
            ROLE),
    /** Times at which ejecting was given up. */
    PANICS(
            "tandem.panics",
            "Times at which more than half of the workers of a role and model were ejected, so that all of them get"
                    + " requests again.",
            ROLE),
    /** Pairs that are not used. */
    EJECTED_PAIRS(
            "tandem.ejected.pairs",
            Type.GAUGE,
            Unit.NONE,
            "Pairs that get no requests for a while, because their hand-overs failed."),
    /** Messages that engines sent unasked. */
    ENGINE_MESSAGES(
            "tandem.engine.messages",
            "Registrations, notices and calls of engines, by what became of them; a notice counts once for each request"
                    + " that it names.",
            MESSAGE,
            VERDICT),
    /** Clients that were turned away. */
    EDGE_REJECTED(
            "tandem.edge.rejected",
            "Connections and requests that were turned away before they became requests, by the reason.",
            REASON),
    /** Requests that run. */
    RUNNING("tandem.running", Type.GAUGE, Unit.NONE, "Requests that run (tandem.admission.max-running)."),
    /** Requests that wait. */
    WAITING("tandem.waiting", Type.GAUGE, Unit.NONE, "Requests that wait (tandem.admission.max-waiting)."),
    /** Requests that wait for engines. */
    HELD_BACK("tandem.held.back", "Requests that waited because every worker that could serve them was saturated."),
    /** Engines that have enough. */
    SATURATED_WORKERS("tandem.saturated.workers", Type.GAUGE, Unit.NONE, "Workers whose engines are saturated."),
    /** Open connections of clients. */
    EDGE_CONNECTIONS("tandem.edge.connections", Type.GAUGE, Unit.NONE, "Connections of clients that are open."),
    /** Bodies that are held. */
    EDGE_BODIES(
            "tandem.edge.bodies",
            Type.GAUGE,
            Unit.BYTES,
            "Bytes of requests that are being read or wait for their answer (tandem.body.max-in-flight)."),
    /** Engines that have registered. */
    REGISTERED_ENGINES(
            "tandem.registered.engines", Type.GAUGE, Unit.NONE, "Engines that have registered and still ping."),
    /** Requests accepted and not yet ended. */
    IN_FLIGHT("tandem.in.flight", Type.GAUGE, Unit.NONE, "Requests accepted and not yet ended."),
    /** Time to first token. */
    TTFT(
            "tandem.ttft",
            Buckets.FIRST_TOKEN,
            "Time from acceptance to the first byte of the answer's body, of requests that got one.",
            API,
            MODEL),
    /** Inter-token latency. */
    ITL("tandem.itl", Buckets.GAP, "Gap between successive pieces of a streamed answer."),
    /** End to end. */
    E2E("tandem.e2e", Buckets.WHOLE, "Time from acceptance to the end, whatever the outcome.", API, MODEL),
    /** Waiting for admission. */
    QUEUE_WAIT("tandem.queue.wait", Buckets.WAIT, "Time from the body's last byte to admission."),
    /** Cost of a routing decision. */
    DECISION("tandem.decision", Buckets.DECISION, "Cost of the routing decision.", POLICY),
    /** Duration of a leg. */
    LEG_TIME("tandem.leg", Buckets.WHOLE, "Duration of legs that ended well.", LEG),
    /** Prompt tokens. */
    PROMPT_TOKENS(
            "tandem.prompt.tokens", Type.COUNTER, Unit.TOKENS, "Prompt tokens, as the engine counted them.", MODEL),
    /** Cached tokens. */
    CACHED_TOKENS(
            "tandem.cached.tokens",
            Type.COUNTER,
            Unit.TOKENS,
            "Prompt tokens that the engine found in a cache; stays 0 with engines that do not tell.",
            MODEL),
    /** Generated tokens. */
    OUTPUT_TOKENS(
            "tandem.output.tokens", Type.COUNTER, Unit.TOKENS, "Generated tokens, as the engine counted them.", MODEL),
    /** Bytes of requests. */
    REQUEST_BYTES("tandem.request", Type.COUNTER, Unit.BYTES, "Bytes of the bodies that clients sent.", API),
    /** Bytes of answers. */
    RESPONSE_BYTES(
            "tandem.response", Type.COUNTER, Unit.BYTES, "Bytes of the answers' bodies that were passed on.", API),
    /** Whether a worker gets requests. */
    WORKER_UP(
            "tandem.worker.up",
            Type.WORKER_GAUGE,
            Unit.NONE,
            "1 while the worker gets requests, else 0.",
            ROLE,
            WORKER),
    /** Requests on a worker. */
    WORKER_IN_FLIGHT(
            "tandem.worker.in.flight",
            Type.WORKER_GAUGE,
            Unit.NONE,
            "Requests that the gateway has on the worker.",
            ROLE,
            WORKER),
    /** Most requests of a worker. */
    WORKER_LIMIT(
            "tandem.worker.limit",
            Type.WORKER_GAUGE,
            Unit.NONE,
            "Most requests that the worker may have, because it has refused more (429 or 503); no value without a limit.",
            ROLE,
            WORKER),
    /** Pending prompt tokens of a worker. */
    WORKER_PENDING_TOKENS(
            "tandem.worker.pending",
            Type.WORKER_GAUGE,
            Unit.TOKENS,
            "Prompt tokens sent to the worker whose first output token has not been seen.",
            ROLE,
            WORKER);

    /** What a meter is in Prometheus' terms. */
    public enum Type {
        /** Only grows. */
        COUNTER("counter"),
        /** A value of now. */
        GAUGE("gauge"),
        /** A histogram of durations with fixed buckets, its count, sum and recent maximum. */
        TIMER("histogram"),
        /** A histogram of shares with fixed buckets, its count, sum and recent maximum. */
        SHARES("histogram"),
        /** A value of now for each worker of the fleet, read when it is scraped. */
        WORKER_GAUGE("gauge");

        private final String label;

        Type(String label) {
            this.label = label;
        }

        /** Returns Prometheus' name of the type. */
        public String label() {
            return label;
        }
    }

    /** Base unit of a meter. */
    public enum Unit {
        /** A plain number. */
        NONE(""),
        /** Seconds. */
        SECONDS("seconds"),
        /** Tokens as the engine's tokenizer makes them. */
        TOKENS("tokens"),
        /** Bytes. */
        BYTES("bytes");

        private final String label;

        Unit(String label) {
            this.label = label;
        }

        /** Returns the unit's name, empty for a plain number. */
        public String label() {
            return label;
        }
    }

    private final String dottedName;
    private final Type type;
    private final Unit unit;
    private final String sentence;

    @SuppressWarnings("ImmutableEnumChecker") // made by List.of
    private final List<MeterTag> tags;

    @SuppressWarnings("ImmutableEnumChecker") // made by List.of
    private final List<Double> bounds;

    /** Makes a counter without a unit. */
    Meters(String dottedName, String sentence, MeterTag... tags) {
        this(dottedName, Type.COUNTER, Unit.NONE, sentence, tags);
    }

    Meters(String dottedName, Type type, Unit unit, String sentence, MeterTag... tags) {
        this.dottedName = dottedName;
        this.type = type;
        this.unit = unit;
        this.sentence = sentence;
        this.tags = List.of(tags);
        this.bounds = List.of();
    }

    Meters(String dottedName, Buckets buckets, String sentence, MeterTag... tags) {
        this.dottedName = dottedName;
        this.type = Type.TIMER;
        this.unit = Unit.SECONDS;
        this.sentence = sentence;
        this.tags = List.of(tags);
        this.bounds = buckets.seconds();
    }

    Meters(String dottedName, List<Double> bounds, String sentence, MeterTag... tags) {
        this.dottedName = dottedName;
        this.type = Type.SHARES;
        this.unit = Unit.NONE;
        this.sentence = sentence;
        this.tags = List.of(tags);
        this.bounds = bounds;
    }

    /** Returns Micrometer's name. */
    public String dottedName() {
        return dottedName;
    }

    /** Returns the name in Prometheus, without the suffixes of a histogram's parts. */
    public String prometheusName() {
        String base = dottedName.replace('.', '_');
        String withUnit = unit == Unit.NONE || base.endsWith(unit.label()) ? base : base + '_' + unit.label();
        return type == Type.COUNTER ? withUnit + "_total" : withUnit;
    }

    /** Returns what the meter is. */
    public Type type() {
        return type;
    }

    /** Returns the base unit. */
    public Unit unit() {
        return unit;
    }

    /** Returns one sentence, shown as the help text. */
    public String sentence() {
        return sentence;
    }

    /** Returns the tags, sorted by key. */
    public List<MeterTag> tags() {
        return tags;
    }

    /** Returns the bucket bounds of a histogram in its base unit, ascending; empty for what is none. */
    List<Double> bounds() {
        return bounds;
    }

    /** Registers this counter, or returns the one registered before. */
    Counter counter(MeterRegistry registry, String... values) {
        require(Type.COUNTER);
        Counter.Builder builder =
                Counter.builder(dottedName).description(sentence).tags(tags(values));
        return (unit == Unit.NONE ? builder : builder.baseUnit(unit.label())).register(registry);
    }

    /** Registers this timer with its fixed buckets, or returns the one registered before. */
    Timer timer(MeterRegistry registry, String... values) {
        require(Type.TIMER);
        return Timer.builder(dottedName)
                .description(sentence)
                .tags(tags(values))
                .serviceLevelObjectives(bounds.stream()
                        .map(seconds -> Duration.ofNanos(Math.round(seconds * 1e9)))
                        .toArray(Duration[]::new))
                .register(registry);
    }

    /** Registers this histogram of shares with its fixed buckets, or returns the one registered before. */
    DistributionSummary shares(MeterRegistry registry, String... values) {
        require(Type.SHARES);
        return DistributionSummary.builder(dottedName)
                .description(sentence)
                .tags(tags(values))
                .serviceLevelObjectives(
                        bounds.stream().mapToDouble(Double::doubleValue).toArray())
                .register(registry);
    }

    /** Registers this gauge. */
    void gauge(MeterRegistry registry, Supplier<Number> value) {
        require(Type.GAUGE);
        Gauge.Builder<Supplier<Number>> builder =
                Gauge.builder(dottedName, value).description(sentence);
        (unit == Unit.NONE ? builder : builder.baseUnit(unit.label())).register(registry);
    }

    private Tags tags(String... values) {
        if (values.length != tags.size()) {
            throw new IllegalArgumentException(
                    dottedName + " tag values: " + values.length + " (expected: " + tags.size() + ")");
        }
        Tags made = Tags.empty();
        for (int i = 0; i < values.length; i++) {
            made = made.and(tags.get(i).key(), values[i]);
        }
        return made;
    }

    private void require(Type expected) {
        if (type != expected) {
            throw new IllegalStateException(dottedName + " type: " + type + " (expected: " + expected + ")");
        }
    }
}
