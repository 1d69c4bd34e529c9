// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import dev.tandem.core.fleet.Role;
import dev.tandem.gateway.config.settings.AdmissionProperties;
import dev.tandem.gateway.config.settings.DrainProperties;
import dev.tandem.gateway.config.settings.HealthProperties;
import dev.tandem.gateway.resume.ResumeMode;
import jakarta.validation.Valid;
import jakarta.validation.constraints.DecimalMax;
import jakarta.validation.constraints.DecimalMin;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.NestedConfigurationProperty;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;
import org.springframework.validation.annotation.Validated;

/**
 * Everything an operator can set. Immutable.
 *
 * @param workers Workers with all their attributes.
 * @param prefillUrls Comma-separated list of base URLs of prefill workers, a short form of `workers`.
 * @param decodeUrls Comma-separated list of base URLs of decode workers, a short form of `workers`.
 * @param unifiedUrls Comma-separated list of base URLs of workers that do both phases, a short form of `workers`.
 * @param disagg Disaggregation.
 * @param routing Routing.
 * @param engine Connections to engines.
 * @param health Health of workers.
 * @param body Bodies of requests.
 * @param edge Listening socket.
 * @param admission Admission.
 * @param retry Retries.
 * @param stream Streamed answers.
 * @param drain How the gateway goes down.
 * @param handover Listeners for engines.
 * @param management Management and metrics.
 * @param simulator Embedded simulated engines.
 */
@Validated
@ConfigurationProperties(prefix = "tandem", ignoreUnknownFields = false)
public record TandemProperties(
        @DefaultValue List<@Valid WorkerProperties> workers,
        @DefaultValue List<URI> prefillUrls,
        @DefaultValue List<URI> decodeUrls,
        @DefaultValue List<URI> unifiedUrls,
        @DefaultValue @Valid DisaggProperties disagg,
        @DefaultValue @Valid RoutingProperties routing,
        @DefaultValue @Valid EngineProperties engine,
        @NestedConfigurationProperty @DefaultValue @Valid HealthProperties health,
        @DefaultValue @Valid BodyProperties body,
        @DefaultValue @Valid EdgeProperties edge,
        @NestedConfigurationProperty @DefaultValue @Valid AdmissionProperties admission,
        @DefaultValue @Valid RetryProperties retry,
        @DefaultValue @Valid StreamProperties stream,
        @NestedConfigurationProperty @DefaultValue @Valid DrainProperties drain,
        @DefaultValue @Valid HandoverProperties handover,
        @DefaultValue @Valid ManagementProperties management,
        @DefaultValue @Valid SimulatorProperties simulator) {

    /**
     * One worker.
     *
     * @param id Name in logs, headers and metrics: lower-case letters, digits and hyphens.
     * @param url Base URL: scheme, host and port.
     * @param role What the worker is for: prefill, decode or unified.
     * @param apiKey Key that the engine wants as bearer token; none when empty.
     * @param connector Connector of this worker, in place of `tandem.disagg.connector`; workers are paired only with
     *     those that have the same.
     * @param dataParallelSize Data parallel ranks behind the URL. More than one become a worker each, `id@0` and so on,
     *     to which requests are sent by the header `X-data-parallel-rank`.
     * @param kv Where other engines reach its KV cache, for connectors that must tell them.
     * @param group Name of the workers among which KV caches may be handed over, for fleets of which not every prefill
     *     worker can feed every decode worker. Those without one are a group, too.
     */
    public record WorkerProperties(
            @NotNull String id,
            @NotNull URI url,
            @DefaultValue("unified") Role role,
            @Nullable String apiKey,
            @Nullable String connector,
            @DefaultValue("1") @Min(1) @Max(1024) int dataParallelSize,
            @Nullable @Valid KvProperties kv,
            @Nullable String group) {}

    /**
     * Where other engines reach the KV cache of a worker's engine.
     *
     * @param host Host name or IPv4 address; that of the worker's URL when empty.
     * @param port Port of rank 0: KV, side channel, bootstrap, handshake or init port, by protocol.
     * @param secondPort Second port where the protocol has two (MoRIIO: notify, LMCache: alloc).
     * @param engineId Id under which other engines know it, where the engine does not tell it.
     * @param tensorParallelSize Processes over which each layer is spread.
     * @param pipelineParallelSize Processes over which the layers are spread.
     */
    public record KvProperties(
            @Nullable String host,
            @Min(1) @Max(65535) int port,
            @DefaultValue("0") @Min(0) @Max(65535) int secondPort,
            @Nullable String engineId,
            @DefaultValue("1") @Min(1) int tensorParallelSize,
            @DefaultValue("1") @Min(1) int pipelineParallelSize) {}

    /**
     * Prefill and decode on two workers.
     *
     * @param connector Protocol by which the KV cache gets from prefill to decode workers: one of
     *     [connectors](connectors/README.md), or auto, which asks the engines. For all workers that name none of their
     *     own.
     * @param minPromptTokens Shortest prompt that gets a prefill leg, in tokens: one chunk of the KV store.
     * @param prefillKvPort KV port of the first worker of `prefill-urls` on each host; further ones on the same host
     *     have the ports behind it. 0 when they have none.
     * @param decodeKvPort The same for `decode-urls`.
     * @param reuseTokenIds Whether decode workers of `nixl` get the token ids of chats from the prefill worker, so that
     *     a chat is rendered and tokenised once. Engines older than vllm#48145 (2026-07-29) ignore them.
     * @param reuseTurns Whether prefill workers of `nixl` read from decode workers what these have computed in a
     *     conversation's last turn. Engines need `bidirectional_kv_xfer`, all of them; see
     *     [nixl](connectors/nixl.md#conversations).
     * @param canary Trials of pairs.
     */
    public record DisaggProperties(
            @DefaultValue("auto") String connector,
            @DefaultValue("256") @Min(0) int minPromptTokens,
            @DefaultValue("0") @Min(0) @Max(65535) int prefillKvPort,
            @DefaultValue("0") @Min(0) @Max(65535) int decodeKvPort,
            @DefaultValue("false") boolean reuseTokenIds,
            @DefaultValue("false") boolean reuseTurns,
            @DefaultValue @Valid CanaryProperties canary) {}

    /**
     * Trials of pairs, with prompts of the gateway's own: the first warms the pair, each compares its answer with that
     * of an engine alone, and a pair that answers something else gets no requests until a trial finds it equal.
     *
     * @param enabled Whether pairs are tried.
     * @param interval Time between two trials of a pair, give or take a fifth; a pair that has just come up, or whose
     *     engine has become another, is tried at once, and after a trial that failed in a tenth of it.
     * @param promptWords Words of the prompt; it has to be longer than a block, or than a chunk of the KV store.
     * @param timeout Longest time for a trial.
     * @param maxRunning Most trials at a time.
     */
    public record CanaryProperties(
            @DefaultValue("true") boolean enabled,
            @DefaultValue("10m") @NotNull Duration interval,
            @DefaultValue("400") @Min(16) @Max(100000) int promptWords,
            @DefaultValue("1m") @NotNull Duration timeout,
            @DefaultValue("2") @Min(1) int maxRunning) {}

    /**
     * Choice of workers.
     *
     * @param prefillPolicy Policy that chooses who computes a prompt: prefill workers, and whoever runs a whole
     *     request.
     * @param decodePolicy Policy that chooses decode workers for prompts that another worker computes.
     * @param sessionHeaders Comma-separated list of request headers that may hold a session key, first match wins.
     * @param batchTokens Prompt tokens that an engine computes in one step; pending work up to this much is no load.
     * @param loadBound Pending prompt tokens that a worker may have before affinity gives way, as a multiple of the
     *     mean.
     */
    public record RoutingProperties(
            @DefaultValue("prefix-hash") String prefillPolicy,
            @DefaultValue("prefix-hash") String decodePolicy,

            @DefaultValue({"x-session-id", "x-conversation-id"})
            List<String> sessionHeaders,

            @DefaultValue("2048") @Min(1) long batchTokens,

            @DefaultValue("1.25") @DecimalMin("1.01") @DecimalMax("100")
            double loadBound) {}

    /**
     * Connections to engines.
     *
     * @param connectTimeout Longest wait for a connection.
     * @param streamSilence Longest silence of a streamed answer, its first byte included.
     * @param answerSilence Longest wait for an answer that is not streamed.
     * @param idleTimeout Age at which an unused connection is closed; vLLM closes its own after 5 s.
     * @param maxConnections Most connections to one worker.
     * @param receiveBuffer Size of a connection's receive buffer: what the kernel keeps of an answer whose client reads
     *     slowly.
     */
    public record EngineProperties(
            @DefaultValue("1s") @NotNull Duration connectTimeout,
            @DefaultValue("2m") @NotNull Duration streamSilence,
            @DefaultValue("10m") @NotNull Duration answerSilence,
            @DefaultValue("3500ms") @NotNull Duration idleTimeout,
            @DefaultValue("8192") @Min(1) int maxConnections,
            @DefaultValue("128KB") @NotNull DataSize receiveBuffer) {}

    /**
     * Bodies of requests.
     *
     * @param maxSize Largest body; a larger one is answered 413.
     * @param maxInFlight Most bytes of all bodies together; beyond it requests are answered 503.
     * @param maxDepth Deepest nesting of JSON.
     * @param maxValues Most JSON tokens in one body.
     * @param maxChoices Most answers to one prompt (`n`, `best_of`); a body that asks for more is answered 400.
     *     OpenAI's limit; vLLM's own is 16384.
     * @param maxPrompts Most prompts in one body, of completions; more are answered 400. OpenAI's limit.
     * @param maxMessages Most messages of a conversation; more are answered 400.
     * @param maxTools Most tools; more are answered 400. OpenAI's limit.
     * @param maxStops Most stop texts; more are answered 400. Engines look for each of them behind every token.
     * @param maxBiases Most tokens in `logit_bias`; more are answered 400.
     * @param maxGrammar Most bytes of a schema, regular expression or grammar that answers must follow; more are
     *     answered 400.
     * @param readSilence Longest silence of a client that sends its body.
     * @param readTimeout Longest time that a client may take to send its body.
     */
    public record BodyProperties(
            @DefaultValue("32MB") @NotNull DataSize maxSize,
            @DefaultValue("256MB") @NotNull DataSize maxInFlight,
            @DefaultValue("64") @Min(1) @Max(1000) int maxDepth,
            @DefaultValue("5000000") @Min(1) long maxValues,
            @DefaultValue("128") @Min(1) int maxChoices,
            @DefaultValue("2048") @Min(1) int maxPrompts,
            @DefaultValue("4096") @Min(1) int maxMessages,
            @DefaultValue("128") @Min(1) int maxTools,
            @DefaultValue("16") @Min(1) int maxStops,
            @DefaultValue("1024") @Min(1) int maxBiases,
            @DefaultValue("64KB") @NotNull DataSize maxGrammar,
            @DefaultValue("10s") @NotNull Duration readSilence,
            @DefaultValue("60s") @NotNull Duration readTimeout) {}

    /**
     * Listening socket.
     *
     * @param writeStall Longest time that a client may leave bytes of its answer unread before it is cut off.
     * @param idleTimeout Age at which an unused connection of a client is closed.
     * @param sendBuffer Size of a connection's send buffer; small ones keep slow readers cheap.
     * @param maxConnections Most connections of clients; never more than half the limit of open files, less 500.
     * @param maxConnectionsPerPeer Most connections from one address, or from one IPv6 network of 64 bits; 0 for any
     *     number, as behind a load balancer, where all come from one. This machine's own are not counted.
     * @param maxRequestLine Longest request line; a longer one is answered 414.
     * @param maxHeaderSize Most bytes of all headers of a request; more are answered 431.
     * @param maxHeaders Most headers of a request; more are answered 431.
     * @param headTimeout Longest time for a request's line and headers; then it is answered 408.
     * @param maxPipelined Most requests that may wait on a connection; with one more it is closed.
     */
    public record EdgeProperties(
            @DefaultValue("30s") @NotNull Duration writeStall,
            @DefaultValue("75s") @NotNull Duration idleTimeout,
            @DefaultValue("32KB") @NotNull DataSize sendBuffer,
            @DefaultValue("9000") @Min(1) int maxConnections,
            @DefaultValue("256") @Min(0) int maxConnectionsPerPeer,
            @DefaultValue("8KB") @NotNull DataSize maxRequestLine,
            @DefaultValue("16KB") @NotNull DataSize maxHeaderSize,
            @DefaultValue("100") @Min(1) int maxHeaders,
            @DefaultValue("10s") @NotNull Duration headTimeout,
            @DefaultValue("8") @Min(0) @Max(1000) int maxPipelined) {}

    /**
     * Retries before the first byte.
     *
     * @param maxAttempts Most attempts per request, the first one included; as many again each time another worker goes
     *     on with a stream.
     * @param budget Most retries per request, over ten seconds; those whose worker has not seen the request do not
     *     count.
     * @param alwaysPerSecond Retries in a second that are always allowed.
     * @param backoff Longest pause before the first retry; it is drawn at random, and doubles with each further one.
     * @param maxBackoff Longest pause before any retry.
     * @param suspectWorkers How many workers may die with one request before it is refused; 0 for any number.
     * @param suspectMemory How long it is refused.
     */
    public record RetryProperties(
            @DefaultValue("3") @Min(1) @Max(10) int maxAttempts,

            @DefaultValue("0.2") @DecimalMin("0") @DecimalMax("1")
            double budget,

            @DefaultValue("10") @Min(0) int alwaysPerSecond,
            @DefaultValue("25ms") @NotNull Duration backoff,
            @DefaultValue("250ms") @NotNull Duration maxBackoff,
            @DefaultValue("2") @Min(0) int suspectWorkers,
            @DefaultValue("1m") @NotNull Duration suspectMemory) {}

    /**
     * Streamed answers.
     *
     * @param resume Whether another worker goes on with a stream whose worker has died: on (or true) where that is
     *     exact, by the ids of tokens, for which engines are asked and which clients do not see, else, if nothing is
     *     sampled, by generating the answer again; text does not generate it again but goes on behind the text that the
     *     client has, which is faster and not always exact.
     * @param resumeLimit How often one stream may go on.
     * @param resumeMaxTokens Longest answer, in tokens, behind which another worker goes on.
     */
    public record StreamProperties(
            @DefaultValue("off") @NotNull ResumeMode resume,
            @DefaultValue("3") @Min(1) @Max(10) int resumeLimit,
            @DefaultValue("16384") @Min(1) @Max(1000000) int resumeMaxTokens) {}

    /**
     * Listeners for engines, each on a socket of its own and off unless it is switched on.
     *
     * @param registry Registrations of engines.
     * @param notifications Notices over ZeroMQ.
     * @param http Notices and calls over HTTP.
     */
    public record HandoverProperties(
            @DefaultValue @Valid RegistryProperties registry,
            @DefaultValue @Valid NotificationProperties notifications,
            @DefaultValue @Valid EngineHttpProperties http) {}

    /**
     * Registrations of engines over ZeroMQ, as vLLM's P2pNccl and MoRIIO connectors send them. With it a gateway starts
     * without workers and waits for them. Engines cannot show a secret here: `allowed` is what protects the fleet.
     *
     * @param enabled Whether engines may register.
     * @param address Address that the port is bound to; one that others can reach needs `allowed`.
     * @param port Port; MoRIIO's engines expect 36367. 0 takes any free one.
     * @param allowed Comma-separated list of addresses and ranges (`10.0.0.0/8`) that may connect; this machine when
     *     empty.
     * @param onlyOwnAddress Whether an engine may announce no address but the one it connects from. Switched off, as
     *     behind address translation, it may announce any that is `allowed`.
     * @param maxEngines Most registered engines.
     * @param apiKey Key that registered engines want as bearer token; none when empty.
     */
    public record RegistryProperties(
            @DefaultValue("false") boolean enabled,
            @DefaultValue("127.0.0.1") @NotNull String address,
            @DefaultValue("30001") @Min(0) @Max(65535) int port,
            @DefaultValue List<String> allowed,
            @DefaultValue("true") boolean onlyOwnAddress,
            @DefaultValue("1024") @Min(1) int maxEngines,
            @Nullable String apiKey) {}

    /**
     * Notices over ZeroMQ, as LMCache's prefill workers send them to a proxy.
     *
     * @param enabled Whether notices are taken; the connector `lmcache-pd-notified` needs it.
     * @param address Address that the port is bound to; one that others can reach needs `allowed`.
     * @param port Port; 0 takes any free one.
     * @param allowed Comma-separated list of addresses and ranges (`10.0.0.0/8`) that may connect; this machine when
     *     empty.
     */
    public record NotificationProperties(
            @DefaultValue("false") boolean enabled,
            @DefaultValue("127.0.0.1") @NotNull String address,
            @DefaultValue("7500") @Min(0) @Max(65535) int port,
            @DefaultValue List<String> allowed) {}

    /**
     * Notices and calls over HTTP: LMCache's telemetry (`POST /api/v1/telemetry`) and vLLM-Ascend's decode workers
     * (`POST /v1/metaserver`).
     *
     * @param enabled Whether they are taken.
     * @param address Address that the port is bound to; one that others can reach needs `allowed`.
     * @param port Port; 0 takes any free one.
     * @param allowed Comma-separated list of addresses and ranges (`10.0.0.0/8`) that may connect; this machine when
     *     empty.
     * @param token Secret that callers must send as bearer token; none when empty. Neither LMCache nor vLLM-Ascend
     *     sends one by itself.
     * @param callbackUrl URL under which decode workers reach `/v1/metaserver`; made of address and port when empty.
     */
    public record EngineHttpProperties(
            @DefaultValue("false") boolean enabled,
            @DefaultValue("127.0.0.1") @NotNull String address,
            @DefaultValue("5768") @Min(0) @Max(65535) int port,
            @DefaultValue List<String> allowed,
            @Nullable String token,
            @Nullable String callbackUrl) {}

    /**
     * Management and metrics, on a socket of their own.
     *
     * @param port Port of `/metrics` and of the health pages for orchestrators; 0 takes any free one.
     * @param address Address that the port is bound to.
     * @param vllmRouterNames Whether `/metrics` also shows the series of vllm-router, `vllm_router_*`, for dashboards
     *     that know only those.
     */
    public record ManagementProperties(
            @DefaultValue("9088") @Min(0) @Max(65535) int port,
            @DefaultValue("0.0.0.0") @NotNull String address,
            @DefaultValue("false") boolean vllmRouterNames) {}

    /**
     * Embedded simulated engines, which serve when no worker is configured.
     *
     * @param enabled Whether they start when no worker is configured; otherwise the gateway refuses to start without
     *     one.
     * @param prefillPort Port of the simulated prefill engine; 0 takes any free one.
     * @param decodePort Port of the simulated decode engine; 0 takes any free one.
     * @param model Name of the model that they pretend to serve.
     */
    public record SimulatorProperties(
            @DefaultValue("true") boolean enabled,
            @DefaultValue("8010") @Min(0) @Max(65535) int prefillPort,
            @DefaultValue("8020") @Min(0) @Max(65535) int decodePort,
            @DefaultValue("tandem-sim") @NotNull String model) {}
}
