// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.wire;

import dev.tandem.simulator.text.Tokenizer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Answers of {@code /tokenize} and {@code /detokenize}. */
public final class TokenAnswers {
    private TokenAnswers() {}

    /** Returns the answer for a prompt's tokens. */
    public static ObjectNode tokenized(int[] tokens, Fields fields, Served served) {
        ObjectNode body = Json.object().put("count", tokens.length).put("max_model_len", served.maxModelLength());
        body.set("tokens", Json.array(tokens));
        if (!fields.flag("return_token_strs")) {
            return body.putNull("token_strs");
        }
        ArrayNode symbols = body.putArray("token_strs");
        for (int token : tokens) {
            symbols.add(Tokenizer.TOY.symbol(token));
        }
        return body;
    }

    /** Returns the text of the request's tokens. */
    public static ObjectNode detokenized(Fields fields) {
        JsonNode list = fields.require("tokens");
        int[] tokens = new int[list.size()];
        for (int i = 0; i < tokens.length; i++) {
            long token = list.get(i).asLong(-1);
            if (!Tokenizer.TOY.knows(token)) {
                throw Rejection.badRequest("Token id " + token + " is out of vocabulary");
            }
            tokens[i] = (int) token;
        }
        return Json.object().put("prompt", Tokenizer.TOY.decode(tokens));
    }
}
