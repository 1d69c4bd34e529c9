// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.telemetry;

import dev.tandem.core.fleet.Role;
import dev.tandem.core.fleet.Worker;
import dev.tandem.core.lifecycle.EdgeListener.Rejection;
import dev.tandem.core.lifecycle.EngineMessageListener.Message;
import dev.tandem.core.lifecycle.EngineMessageListener.Verdict;
import dev.tandem.core.lifecycle.RequestListener.HandoverResult;
import dev.tandem.core.lifecycle.RequestListener.LegKind;
import dev.tandem.core.lifecycle.RequestListener.ResumeResult;
import dev.tandem.core.lifecycle.RequestListener.TurnResult;
import dev.tandem.core.lifecycle.TrialListener.Finding;
import dev.tandem.core.request.ApiKind;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The tags that meters may carry. Every set of values is closed or capped; no request, session or user is a tag. */
public enum MeterTag {
    /** API of the request. */
    API(names(Arrays.stream(ApiKind.values()).map(ApiKind::tag).toList())),
    /** Name of the failure, as in `errors.md`. */
    CODE("codes of [errors.md](errors.md)"),
    /** Name of the KV connector. */
    CONNECTOR("names of connectors"),
    /** What became of a stream whose worker has died. */
    FATE(names(Arrays.stream(ResumeResult.values()).map(MeterTag::value).toList())),
    /** What the trial of a pair has found. */
    FINDING(names(Arrays.stream(Finding.values()).map(MeterTag::value).toList())),
    /** Which leg. */
    LEG(names(Arrays.stream(LegKind.values()).map(MeterTag::leg).toList())),
    /** What an engine told. */
    MESSAGE(names(Arrays.stream(Message.values()).map(MeterTag::value).toList())),
    /** Model that a worker serves. */
    MODEL("the first 32 served names; `other` beyond them and for requests without a known model"),
    /** How the request ended. */
    OUTCOME(names(MeterListener.OUTCOMES)),
    /** The two workers of a hand-over. */
    PAIR("ids of a prefill and a decode worker, joined by `>`; `other` beyond 256 pairs"),
    /** Policy that chose the workers. */
    POLICY("names of policies; `other` beyond 32 of them"),
    /** Why a client was turned away. */
    REASON(names(Arrays.stream(Rejection.values()).map(MeterTag::value).toList())),
    /** What became of a hand-over. */
    RESULT(names(Arrays.stream(HandoverResult.values()).map(MeterTag::result).toList())),
    /** What the worker is for. */
    ROLE(names(Arrays.stream(Role.values()).map(Role::tag).toList())),
    /** What became of what a decode worker keeps for a next turn. */
    TURN(names(Arrays.stream(TurnResult.values()).map(MeterTag::value).toList())),
    /** What became of what an engine told. */
    VERDICT(names(Arrays.stream(Verdict.values()).map(MeterTag::value).toList())),
    /** Id of the worker; on the gauges of workers only. */
    WORKER("ids of the configured workers and of the registered ones");

    /** Value that stands for every value outside the set. */
    public static final String OTHER = "other";

    private final String domain;

    MeterTag(String domain) {
        this.domain = domain;
    }

    /** Returns the key, as written in a query. */
    public String key() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Returns the values in words, in Markdown. */
    public String domain() {
        return domain;
    }

    /** Returns the tag value of a leg. */
    static String leg(LegKind kind) {
        return kind.name().toLowerCase(Locale.ROOT);
    }

    /** Returns the tag value of a hand-over. */
    static String result(HandoverResult result) {
        return result.name().toLowerCase(Locale.ROOT);
    }

    /** Returns the tag value of a pair. */
    static String pair(Worker prefill, Worker decode) {
        return prefill.id() + ">" + decode.id();
    }

    /** Returns the tag value of a constant. */
    static String value(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }

    private static String names(List<String> values) {
        return values.stream().map(value -> "`" + value + "`").collect(Collectors.joining(", "));
    }
}
