// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import dev.tandem.core.fleet.Fleet;
import dev.tandem.gateway.admission.DirectMemory;
import dev.tandem.gateway.api.ErrorWriter;
import dev.tandem.gateway.api.GenerateHandler;
import dev.tandem.gateway.api.InferenceHandler;
import dev.tandem.gateway.api.ModelsHandler;
import dev.tandem.gateway.api.OpenAiRoutes;
import dev.tandem.gateway.api.RequestIds;
import dev.tandem.gateway.api.RequestReader;
import dev.tandem.gateway.ops.HealthPages;
import dev.tandem.gateway.pipeline.RequestPipeline;
import java.security.SecureRandom;
import java.time.Clock;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import tools.jackson.databind.json.JsonMapper;

/** Wires the paths that clients may call. */
@Configuration(proxyBeanMethods = false)
class ApiConfiguration {
    @Bean
    RequestIds requestIds() {
        return new RequestIds(new SecureRandom());
    }

    @Bean
    InferenceHandler inferenceHandler(
            DirectMemory memory, RequestReader reader, RequestPipeline pipeline, ErrorWriter errors, RequestIds ids) {
        return new InferenceHandler(memory, reader, pipeline, errors, ids);
    }

    @Bean
    ModelsHandler modelsHandler(Fleet fleet, ErrorWriter errors, JsonMapper json) {
        return new ModelsHandler(fleet, errors, json, Clock.systemUTC().instant());
    }

    @Bean
    GenerateHandler generateHandler(RequestReader reader, InferenceHandler inference, JsonMapper json, RequestIds ids) {
        return new GenerateHandler(reader, inference, json, ids);
    }

    @Bean
    OpenAiRoutes openAiRoutes(
            InferenceHandler inference,
            ModelsHandler models,
            GenerateHandler generate,
            HealthPages health,
            ErrorWriter errors,
            RequestIds ids) {
        return new OpenAiRoutes(inference, models, generate, health.byPath(), errors, ids);
    }
}
