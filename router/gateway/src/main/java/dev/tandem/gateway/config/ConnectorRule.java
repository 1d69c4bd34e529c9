// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import dev.tandem.core.disagg.ConnectorChoice;
import dev.tandem.core.fleet.EngineFacts;
import dev.tandem.core.fleet.EngineVersion;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.fleet.Role;
import dev.tandem.core.request.ApiKind;
import dev.tandem.core.routing.HandoverRule;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What workers can hand over, by the connectors of their engines. Thread-safe. */
record ConnectorRule(ConnectorChoice connectors) implements HandoverRule {
    private static final Logger LOG = LoggerFactory.getLogger(Fleet.class);

    @Override
    public Set<ApiKind> between(List<EngineFacts> prefill, List<EngineFacts> decode) {
        warnOfStrangers(prefill, decode);
        warnOfLonelyOnes(prefill, decode);
        return connectors.apis(prefill, decode);
    }

    @Override
    public boolean servesWhole(Role role, EngineFacts engine) {
        return connectors.servesWhole(role, engine);
    }

    @Override
    public boolean pairs(EngineFacts prefill, EngineFacts decode) {
        return connectors.pairs(prefill, decode);
    }

    /** A pair of strangers is a mistake in nearly every fleet, and nothing else would tell of it. */
    private static void warnOfStrangers(List<EngineFacts> prefill, List<EngineFacts> decode) {
        Set<String> atPrefill = spoken(prefill);
        Set<String> atDecode = spoken(decode);
        if (!atPrefill.isEmpty() && !atDecode.isEmpty() && !atPrefill.equals(atDecode)) {
            LOG.warn(
                    "workers have nobody on the other side who speaks their hand-over protocol and are not paired"
                            + " prefill={} decode={}",
                    atPrefill,
                    atDecode);
        }
    }

    /** Returns the protocols of engines that have said what they speak. */
    private static Set<String> spoken(List<EngineFacts> engines) {
        return engines.stream()
                .map(EngineFacts::connector)
                .filter(Objects::nonNull)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** A decode worker that no prefill worker can feed gets no long prompt as long as another one has a partner. */
    private void warnOfLonelyOnes(List<EngineFacts> prefill, List<EngineFacts> decode) {
        List<String> lonely = decode.stream()
                .filter(reader ->
                        !prefill.isEmpty() && prefill.stream().noneMatch(writer -> connectors.pairs(writer, reader)))
                .map(ConnectorRule::named)
                .distinct()
                .toList();
        if (!lonely.isEmpty()) {
            LOG.warn("decode workers can not read from any prefill worker engines={}", lonely);
        }
    }

    private static String named(EngineFacts facts) {
        EngineVersion version = facts.version();
        return Objects.requireNonNullElse(facts.connector(), "unknown connector")
                + ", version " + (version == null ? "unknown" : version.text())
                + (facts.group() == null ? "" : ", group " + facts.group());
    }
}
