// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.trial;

import dev.tandem.core.disagg.ConnectorChoice;
import dev.tandem.core.disagg.Exchange;
import dev.tandem.core.disagg.KvConnector;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.Lease;
import dev.tandem.core.fleet.PromptCounts;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.lifecycle.TrialListener.Finding;
import dev.tandem.core.request.ApiKind;
import dev.tandem.gateway.answer.EngineAnswer;
import dev.tandem.gateway.answer.UsageReport;
import dev.tandem.gateway.body.BodyScanner;
import dev.tandem.gateway.body.RequestBody;
import dev.tandem.gateway.exchange.Asked;
import dev.tandem.gateway.exchange.Attempt;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * One prompt through a pair, then the same through an engine alone, or through other pairs where no engine answers
 * alone. Thread-safe; holds leases as any request does.
 *
 * <p>The pair goes first, so that its prefill leg finds nothing in a cache.
 */
final class Trial {
    private static final int ANSWER_BYTES = 1 << 20;

    private final Fleet fleet;
    private final ConnectorChoice connectors;
    private final Candidates candidates;
    private final BodyScanner scanner;
    private final TrialLegs legs;

    Trial(Fleet fleet, ConnectorChoice connectors, Candidates candidates, BodyScanner scanner, TrialLegs legs) {
        this.fleet = fleet;
        this.connectors = connectors;
        this.candidates = candidates;
        this.scanner = scanner;
        this.legs = legs;
    }

    /**
     * Runs a trial.
     *
     * @return the texts; or a {@link FailureException} when nothing was proved
     */
    Mono<Texts> run(TrialPair pair, TrialPrompt prompt) {
        Worker alone = candidates.alone(pair);
        Mono<TrialText> through = handedOver(pair, prompt, "pair");
        return alone == null
                ? through.flatMap(text -> others(text, pair, prompt))
                : through.flatMap(text -> alone(pair, alone, prompt).map(other -> new Texts(text, other)));
    }

    /** Asks other pairs, the second of them only if the first one disagrees; one that fails has no say. */
    private Mono<Texts> others(TrialText text, TrialPair pair, TrialPrompt prompt) {
        return Flux.fromIterable(candidates.others(pair))
                .concatMap(other -> handedOver(other, prompt, other.key().decode())
                        .onErrorResume(FailureException.class, failure -> Mono.empty()))
                .takeUntil(text::equal)
                .collectList()
                .map(others -> new Texts(text, null, others));
    }

    private Mono<TrialText> handedOver(TrialPair pair, TrialPrompt prompt, String part) {
        return Mono.defer(() -> handOver(pair, prompt, part));
    }

    private Mono<TrialText> handOver(TrialPair pair, TrialPrompt prompt, String part) {
        Lease prefill = fleet.lease(pair.prefill(), prompt.tokens());
        Lease decode = fleet.lease(pair.decode(), 0);
        Exchange exchange =
                pair.connector().plan(legs.pairing().pair(prefill.seat(), decode.seat(), ApiKind.COMPLETIONS));
        Witness witness = new Witness(legs.listener());
        Attempt attempt = new Attempt(id(prompt, part), exchange, pair.connector(), prefill, decode, witness);
        Mono<TrialText> text = exchange instanceof Exchange.Single
                ? Mono.error(unproved("no engine slot is free"))
                : Mono.defer(() -> run(attempt, body(pair, prompt), witness))
                        .doOnNext(done -> requireHandedOver(witness));
        return counted(attempt, pair.decode(), text).doFinally(signal -> attempt.close());
    }

    /** The engine's own counters say more than its usage, as long as nobody else was on it meanwhile. */
    private Mono<TrialText> counted(Attempt attempt, Worker decode, Mono<TrialText> text) {
        Mono<Optional<PromptCounts>> counts = legs.counts().apply(decode).singleOptional();
        return counts.flatMap(before ->
                text.delayUntil(done -> counts.doOnNext(after -> prove(attempt, done.usage(), before, after))));
    }

    private static void prove(
            Attempt attempt, UsageReport said, Optional<PromptCounts> before, Optional<PromptCounts> after) {
        Optional<PromptCounts> ours = before.flatMap(earlier -> after.map(later -> later.since(earlier)))
                .filter(count -> count.prompt() == said.promptTokens());
        if (ours.isPresent()) {
            attempt.proved(said.promptTokens(), (int) ours.get().handedOver());
        } else {
            attempt.said(said);
        }
    }

    private Mono<TrialText> alone(TrialPair pair, Worker worker, TrialPrompt prompt) {
        Lease lease = fleet.lease(worker, prompt.tokens());
        KvConnector connector = connectors.of(lease.seat().facts());
        Exchange exchange = new Exchange.Single(connector.whole(lease.seat(), ApiKind.COMPLETIONS));
        Witness witness = new Witness(legs.listener());
        Attempt attempt = new Attempt(id(prompt, "alone"), exchange, connector, null, lease, witness);
        return run(attempt, body(pair, prompt), witness).doFinally(signal -> attempt.close());
    }

    private Mono<TrialText> run(Attempt attempt, RequestBody body, RequestListener witness) {
        return legs.runner()
                .apply(witness)
                .run(attempt, new Asked(ApiKind.COMPLETIONS, body, EmptyHttpHeaders.INSTANCE, false), () -> false)
                .flatMap(Trial::read)
                .doFinally(signal -> body.release());
    }

    private static Mono<TrialText> read(EngineAnswer answer) {
        if (!answer.successful()) {
            answer.abandon();
            return Mono.error(unproved("a worker answered " + answer.status()));
        }
        return answer.all(ANSWER_BYTES).map(Trial::textIn);
    }

    private static TrialText textIn(ByteBuf all) {
        try {
            return TrialText.of(all);
        } finally {
            all.release();
        }
    }

    private static void requireHandedOver(Witness witness) {
        if (witness.broken()) {
            throw unproved("nothing was handed over");
        }
    }

    private static FailureException unproved(String why) {
        return new FailureException(Failure.KV_TRANSFER_FAILED, why);
    }

    private RequestBody body(TrialPair pair, TrialPrompt prompt) {
        String json = prompt.json(pair.model());
        ByteBuf bytes = Unpooled.wrappedBuffer(json.getBytes(StandardCharsets.UTF_8));
        return scanner.scan(bytes).body();
    }

    private static String id(TrialPrompt prompt, String part) {
        return "tandem-canary-" + Long.toUnsignedString(prompt.number(), 36) + "-" + part;
    }

    /**
     * What was generated.
     *
     * @param handedOver by the pair
     * @param alone by one engine, or null when none could be asked
     * @param others by other pairs, at most two; none when an engine was asked
     */
    record Texts(TrialText handedOver, @Nullable TrialText alone, List<TrialText> others) {
        /** Copies the list. */
        Texts {
            others = List.copyOf(others);
        }

        /** Makes texts of a pair and an engine alone. */
        Texts(TrialText handedOver, TrialText alone) {
            this(handedOver, alone, List.of());
        }

        /**
         * Returns what they say of the pair. An engine alone is right; of pairs the majority is, and two that disagree
         * have none: either may be the one that is wrong.
         */
        Finding finding() {
            if (alone != null) {
                return handedOver.equal(alone) ? Finding.EQUAL : Finding.DIFFERENT;
            }
            if (others.isEmpty()) {
                return Finding.WARMED;
            }
            if (others.stream().anyMatch(handedOver::equal)) {
                return Finding.EQUAL;
            }
            return others.size() > 1 && others.getFirst().equal(others.getLast())
                    ? Finding.DIFFERENT
                    : Finding.UNDECIDED;
        }

        /** Returns what the pair is compared with, or null. */
        @Nullable
        TrialText reference() {
            return alone != null || others.isEmpty() ? alone : others.getFirst();
        }
    }
}
