package org.attune.rollout;

import org.attune.model.Decoding;

import java.util.Arrays;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/// Completes one sequence after another on one cache: what a prompt shares with the tokens already
/// in the cache, as the next turn of a conversation does, is not computed again. Borrows the
/// decoding; use it on the engine thread.
public final class Completer {
    private final Decoding decoding;
    private final Set<Integer> stops;
    private int[] cached = {};

    /// @param stops tokens that end a completion
    public Completer(Decoding decoding, Set<Integer> stops) {
        this.decoding = decoding;
        this.stops = Set.copyOf(stops);
    }

    /// Why a completion ended.
    public enum StopReason {
        /// A stop token was chosen; it is not part of the completion.
        STOP_TOKEN,
        /// `maxNewTokens` were chosen, or the cache is full.
        LENGTH,
        /// The receiver asked for no more.
        CANCELLED
    }

    /// @param tokens the completion, without prompt and stop token
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Completion(int[] tokens, StopReason reason) {}

    /// Completes a prompt.
    ///
    /// @param prompt token ids, at least one
    /// @param receiver gets each token at once; false ends the completion
    /// @throws org.attune.error.RolloutException if the prompt alone does not fit
    public Completion complete(int[] prompt, SamplingOptions options, IntPredicate receiver) {
        // At least the last token is fed again: its logits are needed.
        int known = Math.min(commonPrefix(prompt), prompt.length - 1);
        decoding.truncate(known);
        float[] logits = decoding.feed(Arrays.copyOfRange(prompt, known, prompt.length));
        var choice = new TokenChoice(options);
        int[] tokens = new int[options.maxNewTokens()];
        int count = 0;
        StopReason reason = StopReason.LENGTH;
        while (count < tokens.length) {
            int token = choice.choose(logits);
            if (stops.contains(token)) {
                reason = StopReason.STOP_TOKEN;
                break;
            }
            tokens[count++] = token;
            if (!receiver.test(token)) {
                reason = StopReason.CANCELLED;
                break;
            }
            if (count == tokens.length || decoding.length() == decoding.capacity()) {
                break;
            }
            logits = decoding.feed(token);
        }
        int[] completion = Arrays.copyOf(tokens, count);
        cached =
                IntStream.concat(Arrays.stream(prompt), Arrays.stream(completion))
                        .limit(decoding.length())
                        .toArray();
        return new Completion(completion, reason);
    }

    private int commonPrefix(int[] prompt) {
        int mismatch = Arrays.mismatch(cached, prompt);
        return mismatch < 0 ? prompt.length : mismatch;
    }
}
