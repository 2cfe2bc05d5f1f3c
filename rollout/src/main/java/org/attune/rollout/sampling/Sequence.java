package org.attune.rollout.sampling;

import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.rollout.TokenListener;
import org.attune.rollout.TopTokens;
import org.attune.text.Tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// One prompt under completion, on the host.
public final class Sequence {
    private final int index;
    private final int promptLength;
    private final int longest;
    private final SamplingConfig config;
    private final Tokenizer.StreamDecoder text; // null unless there are stop strings
    private final StringBuilder tail = new StringBuilder();
    private final int tailLength;
    private int[] tokens;
    private float[] logProbs = new float[16];
    private final List<TopTokens> top = new ArrayList<>();
    private int length;

    /// @param index of the prompt; its draws depend on it
    /// @param longest most tokens it may have, prompt included
    /// @param text decoder for stop strings, or null if there are none
    public Sequence(
            int index,
            int[] prompt,
            int longest,
            SamplingConfig config,
            Tokenizer.StreamDecoder text) {
        this.index = index;
        this.longest = longest;
        this.config = config;
        this.text = text;
        promptLength = prompt.length;
        length = prompt.length;
        tokens = Arrays.copyOf(prompt, prompt.length + 16);
        tailLength = config.stopStrings().stream().mapToInt(String::length).max().orElse(0);
    }

    public int index() {
        return index;
    }

    int promptLength() {
        return promptLength;
    }

    /// Tokens of the completion so far.
    int generated() {
        return length - promptLength;
    }

    public int last() {
        return tokens[length - 1];
    }

    /// Prompt and completion.
    int[] all() {
        return Arrays.copyOf(tokens, length);
    }

    /// Remembers the likeliest tokens of the position to which a token is appended next.
    public void report(TopTokens likeliest) {
        top.add(likeliest);
    }

    /// Appends a token.
    ///
    /// @return why the completion ends with it, or null if it goes on
    public StopReason append(int id, float logProb, TokenListener listener) {
        if (length == tokens.length) {
            tokens = Arrays.copyOf(tokens, 2 * length);
        }
        if (generated() == logProbs.length) {
            logProbs = Arrays.copyOf(logProbs, 2 * logProbs.length);
        }
        logProbs[generated()] = logProb;
        tokens[length++] = id;
        boolean goesOn = listener.sampled(index, id, logProb);
        if (config.stopIds().contains(id)) {
            return StopReason.STOP_TOKEN;
        }
        if (endsText(id)) {
            return StopReason.STOP_STRING;
        }
        if (length >= longest) {
            return StopReason.MAX_TOKENS;
        }
        return goesOn ? null : StopReason.CANCELLED;
    }

    private boolean endsText(int id) {
        if (text == null) {
            return false;
        }
        String added = text.push(id);
        tail.append(added);
        boolean found =
                !added.isEmpty()
                        && config.stopStrings().stream().anyMatch(s -> tail.indexOf(s) >= 0);
        // Of what was searched, only the end can be the beginning of a match.
        tail.delete(0, Math.max(0, tail.length() - tailLength + 1));
        return found && generated() >= config.minNewTokens();
    }

    public SampledCompletion completion(StopReason reason) {
        return new SampledCompletion(
                Arrays.copyOfRange(tokens, promptLength, length),
                Arrays.copyOf(logProbs, generated()),
                reason,
                top);
    }
}
