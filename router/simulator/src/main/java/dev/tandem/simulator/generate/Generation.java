// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.generate;

import dev.tandem.simulator.engine.Admitted;
import dev.tandem.simulator.engine.Engine;
import dev.tandem.simulator.engine.Finish;
import dev.tandem.simulator.engine.Handover;
import dev.tandem.simulator.engine.SequenceRequest;
import dev.tandem.simulator.engine.TokenListener;
import dev.tandem.simulator.engine.TokenListener.FirstToken;
import dev.tandem.simulator.text.TextAssembler;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/** A request inside the engine: one sequence per answer. Thread-safe; pieces come on the engine's thread. */
public final class Generation {
    private final Runnable abort;

    private Generation(Runnable abort) {
        this.abort = abort;
    }

    /** Receives what a request generates, on the engine's thread. */
    public interface Receiver {
        /** Tells of the first token of the first answer. */
        default void onFirstToken(FirstToken first) {}

        /** Takes the next piece of one of the answers. */
        void onPiece(Piece piece);

        /** All answers have ended. */
        void onCompleted();

        /** The request has failed. */
        void onFailed(TokenListener.Failure failure);
    }

    /** Says what an answer has to do with the KV of another engine. */
    public interface Handovers {
        /** Returns the part of one answer in a hand-over; null for none. */
        @Nullable
        Handover of(int choice);
    }

    /** Submits all answers of a request. */
    public static Generation start(Engine engine, GenerateRequest request, Handovers handovers, Receiver receiver) {
        Tally tally = new Tally(engine, request, receiver);
        ForcedAnswer forced = request.forced();
        LongFunction<int[]> script = forced == null ? null : forced::script;
        List<SequenceRequest> sequences = new ArrayList<>();
        for (int choice = 0; choice < request.choices(); choice++) {
            sequences.add(new SequenceRequest(
                    request.promptOf(choice).tokens(),
                    request.salt(),
                    choice % request.sampling().n(),
                    request.sampling().limits(),
                    script,
                    request.sampling().promptLogprobs() < 0,
                    handovers.of(choice),
                    new ChoiceListener(choice, request, tally)));
        }
        return new Generation(engine.submit(sequences));
    }

    /** Takes all answers out of the engine. */
    public void abort() {
        abort.run();
    }

    /** Knows when the last answer has ended. Confined to the engine's thread. */
    private static final class Tally {
        private final Engine engine;
        private final GenerateRequest request;
        private final Receiver receiver;
        private final int[] tokens;
        private int open;
        private boolean failed;

        Tally(Engine engine, GenerateRequest request, Receiver receiver) {
            this.engine = engine;
            this.request = request;
            this.receiver = receiver;
            this.tokens = new int[request.choices()];
            this.open = tokens.length;
        }

        void onPiece(Piece piece) {
            tokens[piece.choice()]++;
            receiver.onPiece(piece);
            if (piece.finish() != null && --open == 0) {
                int longest = Arrays.stream(tokens).max().orElse(0);
                engine.countRequest(request.sampling().n(), longest);
                receiver.onCompleted();
            }
        }

        void onFailed(TokenListener.Failure failure) {
            if (!failed) {
                failed = true;
                receiver.onFailed(failure);
            }
        }
    }

    /** Assembles the text of one answer. Confined to the engine's thread. */
    private static final class ChoiceListener implements TokenListener {
        private final int choice;
        private final TextAssembler text;
        private final Tally tally;
        private String released = "";

        ChoiceListener(int choice, GenerateRequest request, Tally tally) {
            this.choice = choice;
            this.tally = tally;
            this.text = new TextAssembler(
                    request.sampling().stops(), request.sampling().includeStop());
        }

        @Override
        public void onFirstToken(FirstToken first) {
            if (choice == 0) {
                tally.receiver.onFirstToken(first);
            }
        }

        @Override
        public boolean endsAt(int token) {
            released = text.add(token);
            return text.stop() != null;
        }

        @Override
        public void onToken(int token, @Nullable Finish finish, Admitted admitted) {
            String now = finish == null ? released : released + text.flush();
            tally.onPiece(new Piece(choice, token, now, finish, text.stop(), admitted));
        }

        @Override
        public void onFailed(Failure failure) {
            tally.onFailed(failure);
        }
    }
}
