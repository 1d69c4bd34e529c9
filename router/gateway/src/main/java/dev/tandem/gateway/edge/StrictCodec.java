// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.edge;

import io.netty.channel.CombinedChannelDuplexHandler;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.codec.http.HttpStatusClass;
import java.util.ArrayDeque;
import java.util.Queue;

/** {@link StrictDecoder} and Netty's encoder, in the place of Netty's server codec. Confined to one connection. */
final class StrictCodec extends CombinedChannelDuplexHandler<StrictDecoder, HttpResponseEncoder> {
    private final Queue<HttpMethod> asked = new ArrayDeque<>(1);

    StrictCodec(StrictDecoder decoder) {
        init(decoder, new Encoder());
    }

    /** Notes the method of a request that will be answered. */
    void onRequest(HttpRequest request) {
        asked.add(request.method());
    }

    /** An encoder that knows which answers have no body. */
    private final class Encoder extends HttpResponseEncoder {
        @Override
        protected boolean isContentAlwaysEmpty(HttpResponse response) {
            if (response.status().codeClass() == HttpStatusClass.INFORMATIONAL) {
                return super.isContentAlwaysEmpty(response);
            }
            HttpMethod method = asked.poll();
            return HttpMethod.HEAD.equals(method) || super.isContentAlwaysEmpty(response);
        }
    }
}
