// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.edge;

import dev.tandem.core.failure.FailureException;
import dev.tandem.core.lifecycle.EdgeListener;
import dev.tandem.core.lifecycle.EdgeListener.Rejection;
import io.netty.channel.Channel;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.netty.NettyPipeline;
import reactor.netty.http.server.HttpServer;

/** What stands before a server: the limits of connections and of time, then the rules of heads. Thread-safe. */
public final class FrontDoor {
    private static final Logger LOG = LoggerFactory.getLogger(FrontDoor.class);

    private final Connections connections;
    private final ListenerLimits limits;
    private final HeadLimits heads;
    private final Function<FailureException, byte[]> errors;
    private final EdgeListener listener;

    /**
     * Makes a door.
     *
     * @param errors returns the body of an error
     */
    public FrontDoor(
            Connections connections,
            ListenerLimits limits,
            HeadLimits heads,
            Function<FailureException, byte[]> errors,
            EdgeListener listener) {
        this.connections = connections;
        this.limits = limits;
        this.heads = heads;
        this.errors = errors;
        this.listener = listener;
    }

    /** Puts the door into a server. */
    public HttpServer applyTo(HttpServer server) {
        return limits.applyTo(server, listener).doOnChannelInit((observer, channel, remoteAddress) -> receive(channel));
    }

    @SuppressWarnings("FutureReturnValueIgnored") // closing cannot fail in a way that matters
    private void receive(Channel channel) {
        Rejection rejection = connections.admit(channel);
        if (rejection != null) {
            LOG.debug("connection refused reason={} peer={}", rejection, channel.remoteAddress());
            listener.onRejected(rejection);
            channel.close();
            return;
        }
        install(channel);
    }

    /** Puts the handlers in the place of Netty's codec. */
    private void install(Channel channel) {
        StrictDecoder decoder = new StrictDecoder(heads);
        StrictCodec codec = new StrictCodec(decoder);
        channel.pipeline().replace(NettyPipeline.HttpCodec, NettyPipeline.HttpCodec, codec);
        channel.pipeline()
                .addAfter(
                        NettyPipeline.HttpCodec,
                        "tandem.gatekeeper",
                        new Gatekeeper(codec, decoder, heads, errors, listener));
    }
}
