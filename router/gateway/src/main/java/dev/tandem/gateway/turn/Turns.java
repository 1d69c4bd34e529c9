// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.turn;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Scheduler;
import dev.tandem.core.lifecycle.RequestListener;
import dev.tandem.core.lifecycle.RequestListener.TurnResult;
import dev.tandem.core.time.Ticker;
import java.time.Duration;
import java.util.Optional;

/** What decode workers keep of conversations, one turn of each. Thread-safe; never blocks. */
public final class Turns {
    /**
     * Decode engines of vLLM give blocks back after 480 s ({@code decoder_kv_blocks_ttl}); what is about to end there
     * is not used any more. Source: vllm-project/vllm#32553, its proxy.
     */
    private static final Duration LIFE = Duration.ofSeconds(450);

    /** Most characters of all together: what one says grows with its blocks, 6 characters for each. */
    private static final long MOST_CHARACTERS = 32L << 20;

    /** What one takes besides. */
    private static final int CHARACTERS_OF_EACH = 512;

    private final Cache<String, Turn> last;
    private final RequestListener listener;

    /** Makes an empty store. */
    public Turns(RequestListener listener, Ticker ticker) {
        this.listener = listener;
        this.last = Caffeine.newBuilder()
                .ticker(ticker::nanoTime)
                .expireAfterWrite(LIFE)
                .scheduler(Scheduler.systemScheduler())
                .executor(Runnable::run)
                .maximumWeight(MOST_CHARACTERS)
                .weigher((String conversation, Turn turn) ->
                        CHARACTERS_OF_EACH + turn.params().json().length())
                .evictionListener((conversation, turn, cause) -> listener.onTurn(TurnResult.UNREAD))
                .build();
    }

    /** Remembers the last turn of a conversation; the one before is forgotten. */
    public void keep(String conversation, Turn turn) {
        listener.onTurn(TurnResult.KEPT);
        if (last.asMap().put(conversation, turn) != null) {
            listener.onTurn(TurnResult.UNREAD);
        }
    }

    /** Returns the last turn of a conversation, if one is known and may still be read. */
    public Optional<Turn> find(String conversation) {
        return Optional.ofNullable(last.getIfPresent(conversation));
    }

    /**
     * Forgets a turn, for which only one caller gets true.
     *
     * @param result what becomes of it
     */
    public boolean take(String conversation, Turn turn, TurnResult result) {
        boolean first = last.asMap().remove(conversation, turn);
        if (first) {
            listener.onTurn(result);
        }
        return first;
    }
}
