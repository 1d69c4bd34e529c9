// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import dev.tandem.simulator.wire.Json;
import dev.tandem.simulator.wire.Rejection;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import tools.jackson.databind.node.ObjectNode;

/** Applies faults to one request: replaces, delays, cuts or spoils the honest answer. Confined to one request. */
final class FaultyAnswer {
    private static final byte[] GARBAGE =
            Json.utf8("data: {\"id\":\"cmpl-\u0000\uFFFD,,,\n\nno event at all \u001b[31m\r\n");

    private static final String PARAMS = "kv_transfer_params";

    private final ServerHandler.Owner owner;
    private final Channel channel;
    private final SeenRequest seen;

    FaultyAnswer(ServerHandler.Owner owner, Channel channel, SeenRequest seen) {
        this.owner = owner;
        this.channel = channel;
        this.seen = seen;
    }

    Mono<Answer> apply(List<Fault> faults, Mono<Answer> honest) {
        if (faults.stream().anyMatch(fault -> fault.kind() == Fault.Kind.HEALTH_UP)) {
            return honest;
        }
        Mono<Answer> answer = honest;
        for (Fault fault : faults) {
            answer = apply(fault, answer);
        }
        return answer;
    }

    private Mono<Answer> apply(Fault fault, Mono<Answer> honest) {
        return switch (fault.kind()) {
            case STATUS -> Mono.just(error(fault));
            case DELAY -> Mono.delay(fault.pause()).then(honest);
            case STALL -> fault.at() < 0 ? silence() : honest.map(answer -> cut(fault, answer));
            case RESET ->
                fault.at() < 0 ? die(() -> RawBytes.reset(channel)) : broken(fault, RawBytes.Break.RESET, honest);
            case TRUNCATE, ERROR_EVENT -> honest.map(answer -> cut(fault, answer));
            case GARBAGE, SHORTEN, NO_PARAMS, EMPTY_PARAMS -> honest.map(answer -> spoilt(fault, answer));
            case TRICKLE -> {
                channel.pipeline().addFirst(RawBytes.trickle(Math.max(1, fault.at()), fault.pause()));
                yield honest;
            }
            case RECOMPUTED -> honest.map(new Recomputed(Math.max(0, fault.at()))::of);
            case HEALTH_UP,
                    CALLBACK_TWICE,
                    CALLBACK_UNKNOWN,
                    CALLBACK_NEVER,
                    CALLBACK_GARBAGE,
                    NOTICE_NEVER,
                    NOTICE_GARBAGE -> honest;
            case HEALTH_DOWN -> Mono.just(Answer.empty(503));
            case NO_MODELS -> Mono.just(Answer.json(200, noModels()));
            case CRASH -> die(owner::crash);
            case RESTART -> die(owner::restart);
        };
    }

    private static Answer error(Fault fault) {
        Rejection rejection = new Rejection(fault.status(), "SimulatedFault", "simulated fault", null);
        List<Map.Entry<String, String>> headers =
                fault.retryAfter() == null ? List.of() : List.of(Map.entry("retry-after", fault.retryAfter()));
        return new Answer.Whole(fault.status(), Answer.JSON, Json.bytes(rejection.openAi()), headers);
    }

    private Mono<Answer> silence() {
        seen.endAs(SeenRequest.End.BROKEN_BY_FAULT);
        return Mono.never();
    }

    /** Runs what may block, outside the event loop; there is no answer. */
    private Mono<Answer> die(Runnable death) {
        seen.endAs(SeenRequest.End.BROKEN_BY_FAULT);
        Thread.startVirtualThread(death);
        return Mono.never();
    }

    private Mono<Answer> broken(Fault fault, RawBytes.Break how, Mono<Answer> honest) {
        channel.pipeline().addFirst(RawBytes.breakAfter(Math.max(0, fault.at()), how));
        seen.endAs(SeenRequest.End.BROKEN_BY_FAULT);
        return honest;
    }

    /** The connection stays good; only what is said is bad. */
    private static Answer spoilt(Fault fault, Answer answer) {
        return switch (answer) {
            case Answer.Stream(Flux<byte[]> events) ->
                fault.kind() == Fault.Kind.GARBAGE
                        ? new Answer.Stream(withGarbage(Math.max(0, fault.at()), events))
                        : answer;
            case Answer.Whole whole ->
                new Answer.Whole(
                        whole.status(), whole.contentType(), spoilt(fault, whole.body()), whole.extraHeaders());
        };
    }

    private static Flux<byte[]> withGarbage(int at, Flux<byte[]> events) {
        return events.index()
                .concatMapIterable(
                        event -> event.getT1() == at ? List.of(GARBAGE, event.getT2()) : List.of(event.getT2()));
    }

    private static byte[] spoilt(Fault fault, byte[] body) {
        return switch (fault.kind()) {
            case SHORTEN -> Arrays.copyOf(body, Math.clamp(fault.at(), 0, body.length));
            case NO_PARAMS, EMPTY_PARAMS ->
                Json.MAPPER.readTree(body) instanceof ObjectNode object
                        ? Json.bytes(withParams(object, fault.kind() == Fault.Kind.EMPTY_PARAMS))
                        : body;
            default -> GARBAGE;
        };
    }

    private static ObjectNode withParams(ObjectNode answer, boolean empty) {
        if (answer.remove(PARAMS) instanceof ObjectNode params && empty) {
            ObjectNode nulls = answer.putObject(PARAMS);
            params.propertyNames().forEach(nulls::putNull);
        }
        return answer;
    }

    private Answer cut(Fault fault, Answer answer) {
        return switch (answer) {
            case Answer.Stream(Flux<byte[]> events) -> new Answer.Stream(cut(fault, events));
            case Answer.Whole whole -> {
                RawBytes.Break how = fault.kind() == Fault.Kind.STALL ? RawBytes.Break.SILENCE : RawBytes.Break.CLOSE;
                channel.pipeline().addFirst(RawBytes.breakAfter(Math.max(0, fault.at()), how));
                seen.endAs(SeenRequest.End.BROKEN_BY_FAULT);
                yield whole;
            }
        };
    }

    private Flux<byte[]> cut(Fault fault, Flux<byte[]> events) {
        int at = Math.max(0, fault.at());
        Flux<byte[]> first = at == 0 ? Flux.empty() : events.take(at);
        Flux<byte[]> end = switch (fault.kind()) {
            case ERROR_EVENT -> Flux.just(GenerateRoute.deadEvent(), GenerateRoute.done());
            case TRUNCATE -> Flux.defer(this::closed);
            default -> Flux.never();
        };
        return first.doOnSubscribe(start -> seen.endAs(SeenRequest.End.BROKEN_BY_FAULT))
                .concatWith(end);
    }

    /** Closes behind everything that was written, without the last HTTP chunk. */
    private Flux<byte[]> closed() {
        channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
        return Flux.never();
    }

    private static ObjectNode noModels() {
        ObjectNode body = Json.object().put("object", "list");
        body.putArray("data");
        return body;
    }
}
