// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.meeting;

import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.engine.Handover.Kept;
import dev.tandem.simulator.generate.GenerateRequest;
import dev.tandem.simulator.transfer.InternalId;
import dev.tandem.simulator.transfer.Leg;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** A request whose prompt's KV stays for a decode leg of the same name. Thread-safe. */
public final class HostLeg implements Leg {
    private final Meetings meetings;
    private final GenerateRequest request;
    private final Terms terms;
    private final Map<Integer, Kept> kept = new ConcurrentHashMap<>();

    /**
     * How KV stays.
     *
     * @param name Name of the decode leg for one of the answers.
     * @param lease How long it stays.
     * @param afterStop It also stays when a stop ended the answer.
     */
    public record Terms(IntFunction<String> name, Duration lease, boolean afterStop) {}

    /** Makes the leg and notes that it has come; the decode leg has to be for the same prompt. */
    public HostLeg(Meetings meetings, GenerateRequest request, Terms terms) {
        this(meetings, request, terms, request.digest());
    }

    /** Makes the leg and notes that it has come; the decode leg has to have the same digest. */
    public HostLeg(Meetings meetings, GenerateRequest request, Terms terms, long digest) {
        this.meetings = meetings;
        this.request = request;
        this.terms = terms;
        meetings.expect(terms.name().apply(0), digest);
    }

    @Override
    public Handover handover(int choice) {
        return keep(choice);
    }

    /** Returns how the engine keeps what one of the answers leaves. */
    public Handover.Keep keep(int choice) {
        String hold = InternalId.random(request, choice);
        return new Handover.Keep(hold, terms.lease(), terms.afterStop(), blocks -> offer(choice, hold, blocks));
    }

    /** Returns what the engine keeps of an answer; null if it keeps nothing. */
    public @Nullable Kept kept(int choice) {
        return kept.get(choice);
    }

    private void offer(int choice, String hold, Kept left) {
        kept.put(choice, left);
        int prompt = request.promptOf(choice).tokens().length;
        meetings.offer(terms.name().apply(choice), hold, left.blocks(), prompt);
    }
}
