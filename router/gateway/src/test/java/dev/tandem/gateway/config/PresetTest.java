// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.disagg.ConnectorChoice;
import dev.tandem.core.routing.RoutingPolicies;
import dev.tandem.gateway.GeneratedPage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.boot.context.properties.bind.BindHandler;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.bind.handler.NoUnboundElementsBindHandler;
import org.springframework.boot.env.YamlPropertySourceLoader;
import org.springframework.core.env.PropertySource;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.io.FileSystemResource;

/** The presets hold settings that exist, with values that can be. */
class PresetTest {
    private static final Path PRESETS = GeneratedPage.root().resolve("configs/router");
    private static final Path CLUSTER = GeneratedPage.root().resolve("deploy/kubernetes");

    static Stream<Path> presets() throws IOException {
        try (Stream<Path> files = Files.list(PRESETS)) {
            return files.sorted().toList().stream();
        }
    }

    private static TandemProperties read(Path preset) throws IOException {
        StandardEnvironment environment = new StandardEnvironment();
        environment.getPropertySources().remove(StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME);
        yaml(preset).forEach(environment.getPropertySources()::addLast);
        return Binder.get(environment, new NoUnboundElementsBindHandler(BindHandler.DEFAULT))
                .bind("tandem", TandemProperties.class)
                .get();
    }

    private static List<PropertySource<?>> yaml(Path file) throws IOException {
        return new YamlPropertySourceLoader().load(file.toString(), new FileSystemResource(file));
    }

    @ParameterizedTest
    @MethodSource("presets")
    void holdsWhatTheGatewayReads(Path preset) throws IOException {
        TandemProperties properties = read(preset);

        assertThat(ConnectorChoice.names()).contains(properties.disagg().connector());
        assertThat(RoutingPolicies.names())
                .contains(
                        properties.routing().prefillPolicy(),
                        properties.routing().decodePolicy());
        assertThat(WorkerList.of(properties).workers()).doesNotHaveDuplicates();
    }

    @Test
    void theClusterHasEightWorkersOfEachRole() throws IOException {
        TandemProperties properties = read(PRESETS.resolve("k8s-pd-8x8.yml"));

        assertThat(properties.prefillUrls()).hasSize(8);
        assertThat(properties.decodeUrls()).hasSize(8);
        assertThat(WorkerList.of(properties).workers()).hasSize(16);
    }

    /** Kustomize reads nothing outside its own folder, so the preset stands there once more. */
    @Test
    void theClusterMountsThePreset() throws IOException {
        PropertySource<?> mounted = yaml(CLUSTER.resolve("gateway-preset.yaml")).getFirst();

        assertThat(mounted.getProperty("data.tandem.yml"))
                .hasToString(Files.readString(PRESETS.resolve("k8s-pd-8x8.yml")));
    }
}
