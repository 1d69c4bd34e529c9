// SPDX-License-Identifier: Apache-2.0
package dev.tandem.bench.handover;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class GatewayTest {
    @Test
    void readsItsCountOfHandovers() {
        String metrics = """
                # HELP tandem_handovers_total KV caches
                tandem_handovers_total{connector="nixl",result="taken"} 12.0
                tandem_handovers_total{connector="nixl",result="failed"} 1.0
                tandem_handovers_total{result="taken",connector="nixl-push"} 7.0
                tandem_requests_total{connector="nixl"} 3.0
                """;
        assertThat(Gateway.handovers(metrics, "nixl")).isEqualTo(Map.of("taken", 12L, "failed", 1L));
        assertThat(Gateway.handovers(metrics, "nixl-push")).isEqualTo(Map.of("taken", 7L));
        assertThat(Gateway.handovers(metrics, "mooncake")).isEmpty();
    }

    @Test
    void listsEnginesThatDoNotRegister() {
        List<Pool> pools = Pool.all().stream()
                .filter(pool -> List.of("mooncake", "p2p-nccl", "nixl").contains(pool.name()))
                .toList();
        List<Site> sites = List.of(
                new Site("nixl", Side.DECODE, 1, 5),
                new Site("nixl", Side.PREFILL, 2, 6),
                new Site("p2p-nccl", Side.DECODE, 3, 7),
                new Site("mooncake", Side.PREFILL, 4, 8));
        assertThat(Gateway.settings(pools, sites, new Listeners(10, 11, 12)))
                .contains(
                        "--tandem.workers[0].connector=nixl",
                        "--tandem.workers[1].role=prefill",
                        "--tandem.workers[2].connector=mooncake",
                        "--tandem.workers[2].kv.port=8",
                        "--tandem.handover.registry.port=12")
                .noneMatch(setting -> setting.contains("p2p-nccl"))
                .noneMatch(setting -> setting.startsWith("--tandem.workers[0].kv"));
    }

    private static String miscount(String pool, Map<String, Long> after) {
        Map<String, Long> before = Map.of("taken", 5L, "failed", 1L);
        Pool asked = Pool.all().stream()
                .filter(each -> each.name().equals(pool))
                .findFirst()
                .orElseThrow();
        return Comparison.miscount(asked, before, after, 10);
    }

    @Test
    void aCountThatDoesNotFitIsNamed() {
        Map<String, Long> right = Map.of("taken", 15L, "failed", 1L);
        Map<String, Long> wrong = Map.of("taken", 14L, "failed", 2L);
        Map<String, Long> still = Map.of("taken", 5L, "failed", 1L);
        assertThat(miscount("nixl", right)).isEmpty();
        assertThat(miscount("nixl", wrong)).isEqualTo("of 10 the gateway counted {failed=1, taken=9}");
        assertThat(miscount("nixl", still)).isEqualTo("of 10 the gateway counted {}");
        assertThat(miscount("shared-cache", still)).isEmpty();
        assertThat(miscount("shared-cache", wrong)).isNotEmpty();
    }
}
