// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.pipeline;

import dev.tandem.core.disagg.BodyEdits;
import dev.tandem.core.failure.Failure;
import dev.tandem.core.failure.FailureException;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.lifecycle.Outcome;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.lifecycle.RequestListener.LegKind;
import dev.tandem.core.lifecycle.RequestRecord;
import dev.tandem.core.lifecycle.RequestRecord.Route;
import dev.tandem.core.lifecycle.RequestRecord.Timings;
import dev.tandem.core.lifecycle.RequestRecord.Usage;
import dev.tandem.core.request.ApiKind;
import dev.tandem.core.time.Ticker;
import dev.tandem.gateway.admission.Ticket;
import dev.tandem.gateway.answer.EngineAnswer;
import dev.tandem.gateway.answer.UsageReport;
import dev.tandem.gateway.body.Resumable;
import dev.tandem.gateway.exchange.Asked;
import dev.tandem.gateway.exchange.Attempt;
import dev.tandem.gateway.exchange.Culprits;
import dev.tandem.gateway.resume.Resumes;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Owns everything a request has acquired and gives it back once, when the request has ended: ticket, attempt and body.
 * Confined to one request; {@link #settle} may come from any thread, also while the request is still under way: what is
 * acquired after it is given back at once.
 */
final class RequestScope {
    private final ClientRequest request;
    private final RequestListener listener;
    private final Ticker ticker;
    private final AtomicBoolean settled = new AtomicBoolean();
    private final Set<String> failedWorkers = new HashSet<>();
    private final Set<String> doubtedWorkers = new HashSet<>();

    private final @Nullable Resumable resumable;

    private volatile Asked asked;
    private volatile @Nullable Ticket ticket;
    private volatile @Nullable Attempt attempt;
    private volatile @Nullable EngineAnswer answer;
    private @Nullable RoutedTo routedTo;
    private boolean whole;
    private boolean answering;
    private int attempts;
    private int attemptsBefore;
    private int status = Failure.CLIENT_LEFT.status();
    private long enteredNanos;
    private long queuedNanos = RequestRecord.UNKNOWN;
    private long decisionNanos = RequestRecord.UNKNOWN;
    private long beganNanos;
    private long ttftNanos = RequestRecord.UNKNOWN;
    private Duration longestWait = Duration.ZERO;
    private long responseBytes;
    private UsageReport usage = UsageReport.NONE;

    /**
     * Begins a scope.
     *
     * @param resumable what is needed to go on with the answer elsewhere, or null when nobody is to do so
     */
    RequestScope(ClientRequest request, @Nullable Resumable resumable, RequestListener listener, Ticker ticker) {
        this.request = request;
        this.resumable = resumable;
        this.asked = new Asked(
                request.api(),
                request.body(),
                request.headers(),
                request.streaming(),
                BodyEdits.NONE,
                request.conversation());
        this.listener = listener;
        this.ticker = ticker;
    }

    ClientRequest request() {
        return request;
    }

    @Nullable
    Resumable resumable() {
        return resumable;
    }

    /** Returns what workers are asked for now, whoever they are. */
    Asked asked() {
        return asked;
    }

    /** Returns what the workers of the attempt that has begun are asked for. */
    Asked askedNow() {
        return resumable == null
                ? asked
                : asked.as(asked.api(), Resumes.tellingIds(asked.edits(), asked.api(), engine()));
    }

    /** The answer has broken off; returns who has died of the attempt. */
    Set<String> brokeOff(FailureException how) {
        answering = false;
        Attempt last = attempt;
        if (last == null) {
            return Set.of();
        }
        listener.onLegFailed(LegKind.DECODE, last.exchange().decode(), how.failure());
        last.brokeOff(how);
        return last.culprits().dead();
    }

    /** As {@link #brokeOff}, and another worker may go on with the answer. */
    Set<String> givenUpOn(FailureException how) {
        attemptsBefore = attempts;
        brokeOff(how);
        Attempt last = attempt;
        if (last != null) {
            last.givenUpOn();
        }
        return failed();
    }

    /** Whether a worker answers that has not been found to have broken off. */
    boolean answering() {
        return answering;
    }

    /** Another worker goes on with the answer. */
    void goesOn() {
        answering = true;
    }

    /** Returns the worker that the last attempt has asked for its answer; empty before the first. */
    String asking() {
        RoutedTo to = routedTo;
        return to == null ? "" : to.decode();
    }

    /** Returns when the last attempt began. */
    long beganNanos() {
        return beganNanos;
    }

    /** From now on workers are asked for the rest of the answer. */
    void asksFor(ApiKind api, BodyEdits edits) {
        asked = asked.as(api, edits);
    }

    /** Returns the most tokens of prompt and answer that the answering worker takes, 0 when nobody knows. */
    int contextTokens() {
        Attempt running = attempt;
        return running == null ? 0 : running.answering().contextTokens();
    }

    /** Returns what the answering worker is, or null when nobody knows. */
    EngineFacts.@Nullable Kind engine() {
        Attempt running = attempt;
        return running == null ? null : running.answering().kind();
    }

    Ticker ticker() {
        return ticker;
    }

    /** Returns the workers that have failed this request. */
    Set<String> failedWorkers() {
        return failedWorkers;
    }

    /** Returns the workers that may have failed it: they get it only if nobody else can. */
    Set<String> doubtedWorkers() {
        return doubtedWorkers;
    }

    /** Whether one worker is to run the next attempt. */
    boolean whole() {
        return whole;
    }

    /** From now on one worker runs each attempt. */
    void serveWhole() {
        whole = true;
    }

    int attempts() {
        return attempts;
    }

    /** Returns the attempts since the worker that answered has died; all of them as long as none has. */
    int tries() {
        return attempts - attemptsBefore;
    }

    /** Whether a worker that answered has died. */
    boolean resumed() {
        return attemptsBefore > 0;
    }

    @Nullable
    RoutedTo routedTo() {
        return routedTo;
    }

    Ticket entered(Ticket place) {
        ticket = place;
        enteredNanos = ticker.nanoTime();
        if (settled.get()) {
            place.close();
        }
        return place;
    }

    /** The turn of the request has come. */
    void admitted() {
        queuedNanos = ticker.nanoTime() - enteredNanos;
    }

    /** A new attempt begins; what the one before held is given back. */
    void began(Attempt next, RoutedTo to, long decision) {
        abandonAttempt();
        attempt = next;
        routedTo = to;
        decisionNanos = decision;
        attempts++;
        beganNanos = ticker.nanoTime();
        if (settled.get()) {
            next.close();
        }
    }

    /** The attempt has failed: the workers to blame are not asked again. Returns those who have died of it. */
    Set<String> failed() {
        Attempt last = attempt;
        if (last == null) {
            return Set.of();
        }
        Culprits culprits = last.culprits();
        failedWorkers.addAll(culprits.blamed());
        doubtedWorkers.addAll(culprits.doubted());
        last.close();
        return culprits.dead();
    }

    /** An answer is there, as the client is to see it; it is given up at the end unless somebody reads it. */
    void answered(EngineAnswer got) {
        answer = got;
        answering = true;
        status = got.status();
        if (settled.get()) {
            got.abandon();
        }
    }

    /** The leg that answers the client has ended well. */
    void legCompleted() {
        Attempt last = attempt;
        if (last != null) {
            listener.onLegCompleted(LegKind.DECODE, last.exchange().decode(), ticker.nanoTime() - beganNanos);
            last.said(usage);
        }
    }

    /** Whether the engine refused the request, and its refusal is the answer. */
    boolean rejected() {
        EngineAnswer got = answer;
        return got != null && got.rejected();
    }

    /** Returns what the engine has said of its use of tokens, before its answer has left. */
    UsageReport knownUsage() {
        EngineAnswer got = answer;
        return got == null ? UsageReport.NONE : got.usage();
    }

    /** A worker was full and has said when to ask again; what the client is told is the longest of those times. */
    void toldToWait(Duration time) {
        longestWait = time.compareTo(longestWait) > 0 ? time : longestWait;
    }

    Duration longestWait() {
        return longestWait;
    }

    /** The client is about to get an error with that status. */
    void refused(int errorStatus) {
        status = errorStatus;
    }

    void onFirstByte() {
        ttftNanos = ticker.nanoTime() - request.arrivedNanos();
        Attempt running = attempt;
        if (running != null) {
            running.onFirstByte();
        }
    }

    void onSaid() {
        Attempt running = attempt;
        if (running != null) {
            running.onSaid();
        }
    }

    void counted(long bytes, UsageReport report) {
        responseBytes = bytes;
        usage = report;
    }

    long prefillNanos() {
        Attempt last = attempt;
        return last == null ? RequestRecord.UNKNOWN : last.prefillNanos();
    }

    long queuedNanos() {
        return queuedNanos;
    }

    long decisionNanos() {
        return decisionNanos;
    }

    long elapsedNanos() {
        return ticker.nanoTime() - request.arrivedNanos();
    }

    /** Ends the request; only the first call counts. */
    void settle(Outcome outcome) {
        if (!settled.compareAndSet(false, true)) {
            return;
        }
        RequestRecord record = record(outcome);
        abandonAttempt();
        abandonAnswer();
        request.body().release();
        Ticket held = ticket;
        if (held != null) {
            held.close();
        }
        listener.onSettled(record);
    }

    private void abandonAnswer() {
        EngineAnswer unread = answer;
        if (unread != null) {
            unread.abandon();
        }
    }

    private void abandonAttempt() {
        Attempt last = attempt;
        if (last != null) {
            last.close();
        }
    }

    private RequestRecord record(Outcome outcome) {
        RoutedTo to = routedTo;
        Route route = to == null
                ? new Route(null, null, null, null, attempts)
                : new Route(to.prefill(), to.decode(), to.policy(), to.connector(), attempts);
        return new RequestRecord(
                request.id(),
                request.api(),
                request.routing().model(),
                request.streaming(),
                outcome,
                status,
                route,
                new Timings(queuedNanos, decisionNanos, prefillNanos(), ttftNanos, elapsedNanos()),
                new Usage(
                        usage.promptTokens(),
                        usage.cachedTokens(),
                        usage.outputTokens(),
                        request.bodyBytes(),
                        responseBytes));
    }

    /**
     * Where an attempt went.
     *
     * @param prefill id of the prefill worker, or null
     * @param decode id of the worker that answers
     * @param policy policy that chose it
     * @param connector KV connector, or null when there is no prefill leg
     */
    record RoutedTo(
            @Nullable String prefill,
            String decode,
            String policy,
            @Nullable String connector) {}
}
