// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.config;

import dev.tandem.core.disagg.ConnectorChoice;
import dev.tandem.core.fleet.EngineLoads;
import dev.tandem.core.fleet.Fleet;
import dev.tandem.core.lifecycle.EdgeListener;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.prefix.Fingerprinter;
import dev.tandem.core.retry.Retries;
import dev.tandem.core.retry.SuspectList;
import dev.tandem.core.routing.Router;
import dev.tandem.core.routing.SaturationGate;
import dev.tandem.core.time.Ticker;
import dev.tandem.gateway.admission.DirectMemory;
import dev.tandem.gateway.admission.WaitingRoom;
import dev.tandem.gateway.answer.AnswerRelay;
import dev.tandem.gateway.api.Callers;
import dev.tandem.gateway.api.ErrorWriter;
import dev.tandem.gateway.api.RequestReader;
import dev.tandem.gateway.body.BodyCollector;
import dev.tandem.gateway.body.BodyLimits;
import dev.tandem.gateway.body.BodyScanner;
import dev.tandem.gateway.config.settings.AdmissionProperties;
import dev.tandem.gateway.exchange.Drains;
import dev.tandem.gateway.exchange.EngineClient;
import dev.tandem.gateway.exchange.EngineSettings;
import dev.tandem.gateway.exchange.ExchangeRunner;
import dev.tandem.gateway.exchange.LastTurns;
import dev.tandem.gateway.handover.Notices;
import dev.tandem.gateway.pipeline.AnswerHeaders;
import dev.tandem.gateway.pipeline.Pairings;
import dev.tandem.gateway.pipeline.Planner;
import dev.tandem.gateway.pipeline.RequestPipeline;
import dev.tandem.gateway.pipeline.Suspicion;
import dev.tandem.gateway.resume.ResumeSettings;
import dev.tandem.gateway.resume.Resumes;
import dev.tandem.gateway.turn.Conversations;
import dev.tandem.gateway.turn.Turns;
import io.netty.util.internal.PlatformDependent;
import java.util.Map;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import reactor.core.scheduler.Schedulers;
import tools.jackson.databind.json.JsonMapper;

/** Wires the request path, step by step as docs/architecture.md lists it. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(TandemProperties.class)
class GatewayConfiguration {
    @Bean
    ErrorWriter errorWriter(JsonMapper json) {
        return new ErrorWriter(json);
    }

    @Bean
    BodyCollector bodyCollector(TandemProperties properties) {
        TandemProperties.BodyProperties body = properties.body();
        return new BodyCollector(body.maxSize().toBytes(), body.maxInFlight().toBytes(), Schedulers.parallel());
    }

    @Bean
    BodyScanner bodyScanner(TandemProperties properties, Fingerprinter fingerprinter) {
        return new BodyScanner(fingerprinter, limits(properties.body()));
    }

    private static BodyLimits limits(TandemProperties.BodyProperties body) {
        return new BodyLimits(
                body.maxDepth(),
                body.maxValues(),
                body.maxChoices(),
                Map.of(
                        "prompt", body.maxPrompts(),
                        "messages", body.maxMessages(),
                        "tools", body.maxTools(),
                        "functions", body.maxTools(),
                        "stop", body.maxStops(),
                        "stop_sequences", body.maxStops(),
                        "logit_bias", body.maxBiases()),
                Math.toIntExact(body.maxGrammar().toBytes()));
    }

    @Bean
    RequestReader requestReader(
            TandemProperties properties, BodyCollector collector, BodyScanner scanner, Ticker ticker) {
        return new RequestReader(
                collector,
                scanner,
                properties.routing().sessionHeaders(),
                new Conversations(properties.disagg().reuseTurns()),
                new Callers(
                        properties.admission().tenantHeaders(),
                        properties.admission().priorityHeader()),
                ticker);
    }

    @Bean
    WaitingRoom waitingRoom(TandemProperties properties, SaturationGate gate, EngineLoads loads) {
        AdmissionProperties admission = properties.admission();
        WaitingRoom room = new WaitingRoom(
                admission.maxRunning(), admission.maxWaiting(), admission.maxWait(), gate::now, Schedulers.parallel());
        loads.whenRelieved(room::call);
        return room;
    }

    @Bean
    DirectMemory directMemory(
            TandemProperties properties, WaitingRoom room, BodyCollector bodies, EdgeListener listener) {
        return new DirectMemory(
                (long) (properties.admission().maxDirectMemory() * PlatformDependent.maxDirectMemory()),
                PlatformDependent::usedDirectMemory,
                () -> DirectMemory.holdable(room.running(), bodies.bytesInFlight()),
                listener);
    }

    @Bean
    Planner planner(
            Router router,
            EngineLoads loads,
            ConnectorChoice connectors,
            Pairings pairings,
            RequestListener listener,
            Ticker ticker) {
        return new Planner(router, loads, connectors, pairings, listener, ticker);
    }

    @Bean
    EngineClient engineClient(TandemProperties properties, Workforce workforce, Fleet fleet) {
        TandemProperties.EngineProperties engine = properties.engine();
        return new EngineClient(
                new EngineSettings(
                        engine.connectTimeout(),
                        engine.streamSilence(),
                        engine.answerSilence(),
                        engine.idleTimeout(),
                        engine.maxConnections(),
                        (int) engine.receiveBuffer().toBytes()),
                workforce::key,
                fleet::progress);
    }

    @Bean
    RequestPipeline requestPipeline(
            WaitingRoom waitingRoom,
            Planner planner,
            ExchangeRunner runner,
            Recovery recovery,
            AnswerRelay relay,
            Feedback feedback) {
        RequestPipeline.Steps steps = new RequestPipeline.Steps(
                waitingRoom,
                planner,
                runner,
                recovery.retries(),
                recovery.suspicion(),
                recovery.resumes(),
                relay,
                feedback.headers());
        return new RequestPipeline(steps, feedback.listener(), feedback.ticker());
    }

    @Bean
    Drains drains(EngineClient engines) {
        return new Drains(engines);
    }

    @Bean
    LastTurns lastTurns(Fleet fleet, ConnectorChoice connectors, EngineClient engines, Feedback feedback) {
        return new LastTurns(new Turns(feedback.listener(), feedback.ticker()), fleet, connectors, engines);
    }

    @Bean
    ExchangeRunner exchangeRunner(
            EngineClient engines, Notices notices, Drains drains, LastTurns lastTurns, Feedback feedback) {
        return new ExchangeRunner(engines, notices, drains, lastTurns, feedback.listener(), feedback.ticker());
    }

    @Bean
    Recovery recovery(TandemProperties properties, Retries retries, SuspectList suspects, RequestListener listener) {
        TandemProperties.StreamProperties stream = properties.stream();
        ResumeSettings settings = new ResumeSettings(stream.resume(), stream.resumeLimit(), stream.resumeMaxTokens());
        return new Recovery(retries, new Suspicion(suspects), new Resumes(settings, listener));
    }

    @Bean
    AnswerRelay answerRelay(ErrorWriter errors, Ticker ticker) {
        return new AnswerRelay(ticker, errors.events());
    }

    @Bean
    Feedback feedback(RequestListener listener, Workforce workforce, Ticker ticker) {
        return new Feedback(listener, new AnswerHeaders(workforce.simulated()), ticker);
    }

    /**
     * What tells of requests, to programs and to people.
     *
     * @param listener learns what happens
     * @param headers explain an answer
     * @param ticker the clock of both
     */
    record Feedback(RequestListener listener, AnswerHeaders headers, Ticker ticker) {}

    /**
     * What follows when a worker fails.
     *
     * @param retries before the first byte
     * @param suspicion when the request may be to blame
     * @param resumes behind the first byte
     */
    record Recovery(Retries retries, Suspicion suspicion, Resumes resumes) {}
}
