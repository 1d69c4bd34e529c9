// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.wire;

import dev.tandem.simulator.engine.Engine;
import dev.tandem.simulator.engine.EngineCounter;
import dev.tandem.simulator.engine.EngineHistogram;
import dev.tandem.simulator.engine.EngineShape;
import dev.tandem.simulator.engine.EngineStats;
import dev.tandem.simulator.engine.Finish;
import dev.tandem.simulator.engine.Histogram;

/**
 * Prometheus text of an engine with vLLM 0.32's families, types, labels and order (recorded on 2026-11-21). Confined to
 * one rendering.
 */
public final class MetricsText {
    private final PrometheusText out = new PrometheusText();
    private final EngineStats stats;
    private final Engine engine;
    private final Served served;
    private final String labels;

    private MetricsText(Engine engine, Served served) {
        this.engine = engine;
        this.served = served;
        this.stats = engine.stats().copy();
        this.labels = "engine=\"0\",model_name=\""
                + served.name().replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }

    /** Returns the current text. */
    public static String of(Engine engine, Served served, HttpStats http) {
        MetricsText text = new MetricsText(engine, served);
        text.process();
        if (engine.shape().connector() == EngineShape.Connector.NIXL) {
            text.transfers();
        }
        if (engine.shape().connector() == EngineShape.Connector.LMCACHE_MP) {
            text.histogram("lmcache_mp_lookup_duration_seconds", EngineHistogram.LOOKUP_TIME);
        }
        text.gauges();
        text.counters();
        text.histograms();
        text.cacheConfig();
        http.write(text.out);
        if (served.toolParser()) {
            text.toolParser();
        }
        return text.out.toString();
    }

    /** Python's own families with the values of nothing, and those of the process with what is known of it. */
    private void process() {
        for (String[] gc : new String[][] {
            {"objects_collected", "Objects collected during gc"},
            {"objects_uncollectable", "Uncollectable objects found during GC"},
            {"collections", "Number of times this generation was collected"}
        }) {
            out.family("python_gc_" + gc[0] + "_total", "counter", gc[1]);
            for (int generation = 0; generation < 3; generation++) {
                out.sample("python_gc_" + gc[0] + "_total", "generation=\"" + generation + "\"", 0);
            }
        }
        out.family("python_info", "gauge", "Python platform information");
        out.sample(
                "python_info",
                "implementation=\"CPython\",major=\"3\",minor=\"11\",patchlevel=\"7\",version=\"3.11.7\"",
                1);
        Runtime runtime = Runtime.getRuntime();
        long used = runtime.totalMemory() - runtime.freeMemory();
        out.family("process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.");
        out.sample("process_virtual_memory_bytes", "", (double) runtime.maxMemory());
        out.family("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.");
        out.sample("process_resident_memory_bytes", "", (double) used);
        out.family("process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.");
        out.sample("process_start_time_seconds", "", (double) served.created());
        out.family("process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.");
        out.sample("process_cpu_seconds_total", "", cpuSeconds());
        out.family("process_open_fds", "gauge", "Number of open file descriptors.");
        out.sample("process_open_fds", "", 0);
        out.family("process_max_fds", "gauge", "Maximum number of open file descriptors.");
        out.sample("process_max_fds", "", 0);
    }

    private static double cpuSeconds() {
        return ProcessHandle.current()
                .info()
                .totalCpuDuration()
                .map(time -> time.toMillis() / 1e3)
                .orElse(0.0);
    }

    private void toolParser() {
        String model = labels.substring(labels.indexOf(',') + 1);
        String help = "Total number of ToolParser invocations.";
        counter("tool_call_parser_invocations", help);
        for (String suffix : new String[] {"total", "created"}) {
            if (suffix.equals("created")) {
                createdFamily("tool_call_parser_invocations");
            }
            for (String mode : new String[] {"streaming", "non_streaming"}) {
                for (String outcome : new String[] {"tool_call", "no_tool_call"}) {
                    for (String type : new String[] {"chat_completions", "responses", "other"}) {
                        String series = "mode=\"" + mode + "\"," + model + ",outcome=\"" + outcome
                                + "\",request_type=\"" + type + "\"";
                        raw(
                                "tool_call_parser_invocations_" + suffix + "{" + series + "}",
                                suffix.equals("total") ? 0 : served.created());
                    }
                }
            }
        }
    }

    private void transfers() {
        histogram("nixl_xfer_time_seconds", EngineHistogram.TRANSFER_TIME);
        histogram("nixl_post_time_seconds", EngineHistogram.POST_TIME);
        histogram("nixl_bytes_transferred", EngineHistogram.TRANSFER_BYTES);
        histogram("nixl_num_descriptors", EngineHistogram.DESCRIPTORS);
        single("nixl_num_failed_transfers", "Number of failed transfers.", EngineCounter.FAILED_TRANSFERS);
        zero("nixl_num_failed_notifications", "Number of failed notifications.");
        single("nixl_num_kv_expired_reqs", "Number of requests whose KV expired.", EngineCounter.KV_EXPIRED);
        single(
                "nixl_num_notifications_after_expiry",
                "Number of notifications for requests that were no longer tracked.",
                EngineCounter.LATE_NOTICES);
    }

    private void gauges() {
        for (String name : new String[] {"flops", "read_bytes", "write_bytes"}) {
            counter("estimated_" + name + "_per_gpu", "Estimated work (for Model Flops Utilization calculations).");
            value("estimated_" + name + "_per_gpu_total", "", 0);
            created("estimated_" + name + "_per_gpu", "");
        }
        gauge("num_requests_running", "Number of requests in model execution batches.", stats.running());
        gauge("num_requests_waiting", "Number of requests waiting to be processed.", stats.waiting());
        family("num_requests_waiting_by_reason", "gauge", "Number of waiting requests by reason.");
        value("num_requests_waiting_by_reason", "reason=\"capacity\"", stats.waiting() - stats.deferred());
        value("num_requests_waiting_by_reason", "reason=\"deferred\"", stats.deferred());
        if (engine.shape().connected()) {
            family("num_requests_kv_fetch_by_stage", "gauge", "Number of waiting requests by async KV load stage.");
            value("num_requests_kv_fetch_by_stage", "stage=\"waiting_to_start\"", 0);
            value("num_requests_kv_fetch_by_stage", "stage=\"in_progress\"", stats.deferred());
            value("num_requests_kv_fetch_by_stage", "stage=\"completed_waiting\"", 0);
        }
        family("engine_sleep_state", "gauge", "Engine sleep state.");
        value("engine_sleep_state", "sleep_state=\"awake\"", 1);
        value("engine_sleep_state", "sleep_state=\"weights_offloaded\"", 0);
        value("engine_sleep_state", "sleep_state=\"discard_all\"", 0);
        gauge("kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.", stats.kvUsage());
    }

    private void counters() {
        single("prefix_cache_queries", "Prefix cache queries, in queried tokens.", EngineCounter.PREFIX_QUERIES);
        single("prefix_cache_hits", "Prefix cache hits, in cached tokens.", EngineCounter.PREFIX_HITS);
        single(
                "external_prefix_cache_queries",
                "External prefix cache queries from KV connector cross-instance cache" + " sharing, in queried tokens.",
                EngineCounter.EXTERNAL_QUERIES);
        single(
                "external_prefix_cache_hits",
                "External prefix cache hits from KV connector cross-instance cache" + " sharing, in cached tokens.",
                EngineCounter.EXTERNAL_HITS);
        zero("mm_cache_queries", "Multi-modal cache queries, in queried items.");
        zero("mm_cache_hits", "Multi-modal cache hits, in cached items.");
        single("num_preemptions", "Cumulative number of preemption from the engine.", EngineCounter.PREEMPTIONS);
        single("prompt_tokens", "Number of prefill tokens processed.", EngineCounter.PROMPT);
        labelled(
                "prompt_tokens_by_source",
                "Number of prompt tokens by source.",
                source("local_compute", EngineCounter.PROMPT_COMPUTED),
                source("local_cache_hit", EngineCounter.PROMPT_LOCAL_HIT),
                source("external_kv_transfer", EngineCounter.PROMPT_EXTERNAL));
        long local = stats.count(EngineCounter.PROMPT_LOCAL_HIT);
        long external = stats.count(EngineCounter.PROMPT_EXTERNAL);
        boolean remote = engine.shape().remote();
        labelled(
                "prompt_tokens_cached",
                "Number of cached prompt tokens (local + external).",
                new Labelled("", local + external));
        labelled(
                "prompt_tokens_cached_by_source",
                "Prefix-cache hit tokens by the cache tier that supplied them.",
                new Labelled("source=\"device\"", local),
                new Labelled("source=\"host\"", 0),
                new Labelled("source=\"p2p\"", remote ? stats.count(EngineCounter.EXTERNAL_HITS) : 0),
                new Labelled("source=\"disk\"", 0),
                new Labelled("source=\"external_unspecified\"", remote ? 0 : external));
        single("generation_tokens", "Number of generation tokens processed.", EngineCounter.GENERATION);
        successes();
        rejections();
    }

    private void successes() {
        counter("request_success", "Count of successfully processed requests.");
        String[] reasons = {"stop", "length", "abort", "error", "repetition"};
        long[] counts = {stats.finished(Finish.STOP), stats.finished(Finish.LENGTH), 0, stats.finished(Finish.ERROR), 0
        };
        for (int i = 0; i < reasons.length; i++) {
            raw("request_success_total{" + reasonLabels(reasons[i]) + "}", counts[i]);
        }
        createdFamily("request_success");
        for (String reason : reasons) {
            raw("request_success_created{" + reasonLabels(reason) + "}", served.created());
        }
    }

    /** Labels are in alphabetical order. */
    private String reasonLabels(String reason) {
        return labels.replaceFirst(",", ",finished_reason=\"" + reason + "\",");
    }

    private void rejections() {
        String model = labels.substring(labels.indexOf(',') + 1);
        counter("admission_rejections", "Number of admission attempts rejected by a queue limit, by reason.");
        for (String suffix : new String[] {"total", "created"}) {
            if (suffix.equals("created")) {
                createdFamily("admission_rejections");
            }
            for (String reason : new String[] {"max_num_queued_reqs", "max_num_queued_tokens"}) {
                raw(
                        "admission_rejections_" + suffix + "{" + model + ",reason=\"" + reason + "\"}",
                        suffix.equals("total") ? 0 : served.created());
            }
        }
    }

    private void histograms() {
        histogram("request_prompt_tokens", EngineHistogram.PROMPT_TOKENS);
        histogram("request_generation_tokens", EngineHistogram.GENERATION_TOKENS);
        histogram("iteration_tokens_total", EngineHistogram.ITERATION_TOKENS);
        histogram("request_max_num_generation_tokens", EngineHistogram.MAX_GENERATION_TOKENS);
        histogram("request_params_n", EngineHistogram.PARAMS_N);
        histogram("request_params_max_tokens", EngineHistogram.PARAMS_MAX_TOKENS);
        histogram("time_to_first_token_seconds", EngineHistogram.FIRST_TOKEN);
        histogram("inter_token_latency_seconds", EngineHistogram.INTER_TOKEN);
        histogram("request_time_per_output_token_seconds", EngineHistogram.PER_OUTPUT_TOKEN);
        histogram("e2e_request_latency_seconds", EngineHistogram.END_TO_END);
        histogram("request_queue_time_seconds", EngineHistogram.QUEUE_TIME);
        histogram("request_inference_time_seconds", EngineHistogram.INFERENCE_TIME);
        histogram("request_prefill_time_seconds", EngineHistogram.PREFILL_TIME);
        histogram("request_decode_time_seconds", EngineHistogram.DECODE_TIME);
        histogram("request_num_preemptions", EngineHistogram.PREEMPTIONS);
        histogram("request_prefill_kv_computed_tokens", EngineHistogram.COMPUTED_TOKENS);
    }

    /** What the simulator does not have is as recorded with 0.32.0. */
    private void cacheConfig() {
        int blockSize = engine.shape().blockSize();
        int blocks = engine.shape().blocks();
        family("cache_config_info", "gauge", "Information of the LLMEngine CacheConfig");
        String info = ("_block_size_resolved=\"True\",block_size=\"%d\",cache_dtype=\"auto\","
                        + "cache_hit_alignment_tokens=\"None\",effective_attention_block_size=\"%d\","
                        + "enable_mamba_shared_prefix_checkpoint=\"False\",enable_prefix_caching=\"True\",engine=\"0\","
                        + "gpu_memory_utilization=\"0.92\",hash_block_size=\"None\",is_attention_free=\"False\","
                        + "kv_cache_dtype_skip_layers=\"[]\",kv_cache_layout=\"None\",kv_cache_max_concurrency=\"512.0\","
                        + "kv_cache_memory_bytes=\"1073741824\",kv_cache_size_tokens=\"%d\",kv_offloading_backend=\"native\","
                        + "kv_offloading_size=\"None\",kv_sharing_fast_prefill=\"False\",mamba_block_size=\"None\","
                        + "mamba_cache_dtype=\"auto\",mamba_cache_mode=\"none\",mamba_page_size_padded=\"None\","
                        + "mamba_ssm_cache_dtype=\"float32\",num_cpu_blocks=\"None\",num_gpu_blocks=\"%d\","
                        + "num_gpu_blocks_override=\"None\",prefix_cache_retention_interval=\"0\","
                        + "prefix_caching_hash_algo=\"sha256\",prefix_match_unit=\"None\",replayssm_buffer_len=\"16\","
                        + "skip_page_size_padded=\"None\",sliding_window=\"None\",swa_bounded_replay=\"True\","
                        + "use_kda_recoverssm=\"False\",use_replayssm=\"False\",user_specified_block_size=\"False\"")
                .formatted(blockSize, blockSize, (long) blockSize * blocks, blocks);
        raw("cache_config_info{" + info + "}", 1);
    }

    private void histogram(String name, EngineHistogram which) {
        Histogram values = stats.histogram(which);
        family(name, "histogram", "Histogram of " + name.replace('_', ' ') + ".");
        for (int i = 0; i <= values.size(); i++) {
            String bound = i == values.size() ? "+Inf" : PrometheusText.number(values.bound(i));
            String ordered = labels.replaceFirst(",", ",le=\"" + bound.replace("$", "") + "\",");
            raw(name + "_bucket{" + ordered + "}", values.cumulative(i));
        }
        value(name + "_count", "", values.cumulative(values.size()));
        value(name + "_sum", "", values.sum());
        created(name, "");
    }

    private record Labelled(String label, long value) {}

    private Labelled source(String name, EngineCounter counter) {
        return new Labelled("source=\"" + name + "\"", stats.count(counter));
    }

    private void single(String name, String help, EngineCounter counter) {
        labelled(name, help, new Labelled("", stats.count(counter)));
    }

    private void zero(String name, String help) {
        labelled(name, help, new Labelled("", 0));
    }

    private void labelled(String name, String help, Labelled... rows) {
        counter(name, help);
        for (Labelled row : rows) {
            value(name + "_total", row.label, row.value);
        }
        createdFamily(name);
        for (Labelled row : rows) {
            value(name + "_created", row.label, served.created());
        }
    }

    private void gauge(String name, String help, Number value) {
        family(name, "gauge", help);
        value(name, "", value);
    }

    private void counter(String name, String help) {
        family(name + "_total", "counter", help);
    }

    private void created(String name, String label) {
        createdFamily(name);
        value(name + "_created", label, served.created());
    }

    private void createdFamily(String name) {
        family(name + "_created", "gauge", "Start of counting.");
    }

    private void family(String name, String type, String help) {
        out.family("vllm:" + name, type, help);
    }

    private void value(String name, String label, Number value) {
        out.sample("vllm:" + name, labels + (label.isEmpty() ? "" : "," + label), value.doubleValue());
    }

    private void raw(String series, Number value) {
        int brace = series.indexOf('{');
        String inner = series.substring(brace + 1, series.length() - 1);
        out.sample("vllm:" + series.substring(0, brace), inner, value.doubleValue());
    }
}
