// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.routing;

import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.FleetSnapshot;
import dev.tandem.core.fleet.LoadView;
import dev.tandem.core.fleet.Membership;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.WorkerPair;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which prefill workers each decode worker of a model can read from. Immutable; valid for one snapshot of the fleet.
 *
 * <p>Decode workers that read from the same prefill workers are of one kind. A fleet that runs one version has one
 * kind, which reads from everybody, and then nothing is looked up; one in the middle of an upgrade has two.
 */
final class Pairs {
    /** Decode slot to its kind; null when every decode worker reads from every prefill worker. */
    private final int @Nullable [] kinds;

    /** Kind to the slots of its prefill workers. */
    private final List<BitSet> partners = new ArrayList<>();

    /**
     * Finds out who can read from whom.
     *
     * @param barred pairs that are not to be used, whatever their engines say
     */
    Pairs(FleetSnapshot snapshot, @Nullable String model, HandoverRule rule, Set<WorkerPair> barred) {
        Side prefill = Side.of(snapshot, model, Role.PREFILL);
        Side decode = Side.of(snapshot, model, Role.DECODE);
        int[] kindOf = new int[decode.facts().size()];
        for (int slot = 0; slot < kindOf.length; slot++) {
            kindOf[slot] = kind(readable(barred, rule, prefill, decode, slot));
        }
        boolean free = partners.stream()
                .allMatch(slots -> slots.cardinality() == prefill.facts().size());
        this.kinds = free ? null : kindOf;
    }

    /** Returns the load of the decode workers, of which only those are eligible that have an eligible partner. */
    LoadView decodes(LoadView decode, LoadView prefill) {
        int[] kindOf = kinds;
        if (kindOf == null) {
            return decode;
        }
        BitSet open = new BitSet(partners.size());
        for (int kind = 0; kind < partners.size(); kind++) {
            open.set(kind, partners.get(kind).stream().anyMatch(prefill::eligible));
        }
        return new Narrowed(decode, slot -> open.get(kindOf[slot]));
    }

    /** Returns the load of the prefill workers, of which only the partners of a decode worker are eligible. */
    LoadView prefills(LoadView prefill, int decodeSlot) {
        int[] kindOf = kinds;
        return kindOf == null ? prefill : new Narrowed(prefill, partners.get(kindOf[decodeSlot])::get);
    }

    private static BitSet readable(
            Set<WorkerPair> barred, HandoverRule rule, Side prefill, Side decode, int decodeSlot) {
        BitSet slots = new BitSet(prefill.facts().size());
        for (int slot = 0; slot < prefill.facts().size(); slot++) {
            WorkerPair pair = new WorkerPair(prefill.id(slot), decode.id(decodeSlot));
            slots.set(
                    slot,
                    rule.pairs(prefill.facts().get(slot), decode.facts().get(decodeSlot)) && !barred.contains(pair));
        }
        return slots;
    }

    private int kind(BitSet readable) {
        int known = partners.indexOf(readable);
        if (known >= 0) {
            return known;
        }
        partners.add(readable);
        return partners.size() - 1;
    }

    /** The workers of one role and what their engines said, by slot. */
    private record Side(Membership members, List<EngineFacts> facts) {
        private static Side of(FleetSnapshot snapshot, @Nullable String model, Role role) {
            Set<Role> roles = EnumSet.of(role);
            return new Side(snapshot.pool(model, roles).members(), snapshot.facts(model, roles));
        }

        private String id(int slot) {
            return members.worker(slot).id();
        }
    }
}
