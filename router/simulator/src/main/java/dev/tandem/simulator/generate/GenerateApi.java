// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.generate;

import dev.tandem.simulator.wire.Fields;
import dev.tandem.simulator.wire.Served;

/** The text generation APIs. */
public enum GenerateApi {
    /** {@code POST /v1/completions}. */
    COMPLETIONS("cmpl-") {
        @Override
        public GenerateRequest read(Fields fields, Served served, String id, long created) {
            return new CompletionReader(fields, served).read(id, created);
        }

        @Override
        public AnswerWriter writer(GenerateRequest request, Served served, Fields fields) {
            return new CompletionWriter(request, served);
        }
    },
    /** {@code POST /v1/chat/completions}. */
    CHAT("chatcmpl-") {
        @Override
        public GenerateRequest read(Fields fields, Served served, String id, long created) {
            return new ChatReader(fields, served).read(id, created);
        }

        @Override
        public AnswerWriter writer(GenerateRequest request, Served served, Fields fields) {
            return new ChatWriter(request, served);
        }
    },
    /** {@code POST /v1/responses}. */
    RESPONSES("resp_") {
        @Override
        public GenerateRequest read(Fields fields, Served served, String id, long created) {
            return new ResponsesReader(fields, served).read(id, created);
        }

        @Override
        public AnswerWriter writer(GenerateRequest request, Served served, Fields fields) {
            return new ResponsesWriter(request, served, fields);
        }
    },
    /** {@code POST /v1/messages}. */
    MESSAGES("chatcmpl-") {
        @Override
        public GenerateRequest read(Fields fields, Served served, String id, long created) {
            return new MessagesReader(fields, served).read(id, created);
        }

        @Override
        public AnswerWriter writer(GenerateRequest request, Served served, Fields fields) {
            return new MessagesWriter(request, served);
        }
    };

    private final String idPrefix;

    GenerateApi(String idPrefix) {
        this.idPrefix = idPrefix;
    }

    /** Returns the prefix of ids in answers. */
    public String idPrefix() {
        return idPrefix;
    }

    /** Checks and renders a request. */
    public abstract GenerateRequest read(Fields fields, Served served, String id, long created);

    /** Makes the writer of the answer. */
    public abstract AnswerWriter writer(GenerateRequest request, Served served, Fields fields);
}
