// SPDX-License-Identifier: Apache-2.0
package dev.tandem.core.disagg;

import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.EngineVersion;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.request.ApiKind;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Which connector two engines use: the one that both speak. What an engine speaks is what the operator named for its
 * worker, else for all workers, else what the engine itself was found to speak. Immutable.
 */
public final class ConnectorChoice {
    /** Name of the choice that asks the engines. */
    public static final String AUTO = "auto";

    private final @Nullable KvConnector forAll;
    private final Set<KvConnector> configured;

    private ConnectorChoice(@Nullable KvConnector forAll, Set<KvConnector> configured) {
        this.forAll = forAll;
        this.configured = Set.copyOf(configured);
    }

    /** Returns the choice of that name for all workers: a connector's, or {@link #AUTO}. */
    public static Optional<ConnectorChoice> named(String name) {
        return name.equals(AUTO)
                ? Optional.of(new ConnectorChoice(null, Set.of()))
                : KvConnectors.named(name).map(connector -> new ConnectorChoice(connector, Set.of(connector)));
    }

    /** Returns this choice in a fleet in which some workers have choices of their own. */
    public ConnectorChoice with(Collection<ConnectorChoice> ofWorkers) {
        Set<KvConnector> all = new HashSet<>(configured);
        ofWorkers.forEach(choice -> all.addAll(choice.configured));
        return new ConnectorChoice(forAll, all);
    }

    /** Returns the known names. */
    public static List<String> names() {
        return Stream.concat(Stream.of(AUTO), KvConnectors.names().stream()).toList();
    }

    /** Returns the connector between two engines, which hands nothing over unless both speak its protocol. */
    public KvConnector between(EngineFacts prefill, EngineFacts decode) {
        String spoken = prefill.connector();
        return spoken == null || !spoken.equals(decode.connector())
                ? KvConnectors.PLAIN
                : KvConnectors.named(spoken).orElse(KvConnectors.PLAIN);
    }

    /** Returns the connector of an engine that runs a whole request. */
    public KvConnector of(EngineFacts engine) {
        return between(engine, engine);
    }

    /**
     * Returns the APIs whose prompts some pair of the engines hands over. Where a side has nobody yet, whoever comes is
     * taken to speak what all workers speak.
     */
    public Set<ApiKind> apis(List<EngineFacts> prefill, List<EngineFacts> decode) {
        Set<KvConnector> used = new HashSet<>();
        orExpected(prefill).forEach(p -> orExpected(decode).forEach(d -> used.add(between(p, d))));
        return Arrays.stream(ApiKind.values())
                .filter(api -> used.stream().anyMatch(connector -> connector.handsOver(api)))
                .collect(Collectors.toCollection(() -> EnumSet.noneOf(ApiKind.class)));
    }

    /** Whether an engine also runs whole requests; a unified one always does. */
    public boolean servesWhole(Role role, EngineFacts engine) {
        return role == Role.UNIFIED || of(engine).servesWhole(role);
    }

    /**
     * Whether a decode engine can read what a prefill engine computes: both are of one group and speak one protocol,
     * and they are of one version where it needs that and both versions are known. An engine that nobody knows the
     * protocol of passes as long as the decode engine can do without a hand-over.
     */
    public boolean pairs(EngineFacts prefill, EngineFacts decode) {
        return Objects.equals(prefill.group(), decode.group())
                && !strangers(prefill, decode)
                && versionsFit(prefill, decode);
    }

    private boolean strangers(EngineFacts prefill, EngineFacts decode) {
        if (Objects.equals(prefill.connector(), decode.connector())) {
            return false;
        }
        boolean bothKnown = prefill.connector() != null && decode.connector() != null;
        return bothKnown || !servesWhole(Role.DECODE, decode);
    }

    private boolean versionsFit(EngineFacts prefill, EngineFacts decode) {
        EngineVersion one = prefill.version();
        EngineVersion other = decode.version();
        return one == null
                || other == null
                || one.equals(other)
                || !between(prefill, decode).needsEqualVersions();
    }

    /**
     * Returns what the gateway must listen to for any configured connector; what engines speak of their own accord
     * needs nothing.
     */
    public Set<KvConnector.Need> needs() {
        return configured.stream()
                .flatMap(connector -> connector.needs().stream())
                .collect(Collectors.toUnmodifiableSet());
    }

    /** Returns the names of the configured connectors that need the gateway to listen to that. */
    public List<String> listening(KvConnector.Need need) {
        return configured.stream()
                .filter(connector -> connector.needs().contains(need))
                .map(KvConnector::name)
                .sorted()
                .toList();
    }

    /** Returns why an engine can not take part in its protocol yet, or null. */
    public @Nullable String lacks(Role role, EngineFacts engine) {
        return of(engine).lacks(role, engine);
    }

    /** Returns what an operator must know of an engine that can take part, or null. */
    public @Nullable String caution(EngineFacts engine) {
        return of(engine).caution(engine);
    }

    private List<EngineFacts> orExpected(List<EngineFacts> engines) {
        String expected = forAll == null ? null : forAll.name();
        return engines.isEmpty() ? List.of(EngineFacts.UNKNOWN.speaking(expected)) : engines;
    }
}
