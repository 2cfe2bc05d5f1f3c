package org.attune.agents.loop;

import java.util.Arrays;
import java.util.BitSet;

/// The tokens of an episode. It grows at its end only: by what the policy sampled, and by what it
/// observed. So no token is ever sampled in one context and trained in another.
public final class Transcript {
    private final int promptLength;
    private final BitSet foreign = new BitSet();
    private int[] ids;
    private int length;

    /// @param prompt token ids
    public Transcript(int[] prompt) {
        promptLength = prompt.length;
        length = prompt.length;
        ids = Arrays.copyOf(prompt, prompt.length + 64);
    }

    /// Appends the policy's own tokens.
    public void sampled(int[] own) {
        append(own);
    }

    /// Appends tokens of tools and of the template, which are never trained.
    public void observed(int[] tokens) {
        foreign.set(length - promptLength, length - promptLength + tokens.length);
        append(tokens);
    }

    private void append(int[] tokens) {
        if (length + tokens.length > ids.length) {
            ids = Arrays.copyOf(ids, Math.max(2 * ids.length, length + tokens.length));
        }
        System.arraycopy(tokens, 0, ids, length, tokens.length);
        length += tokens.length;
    }

    /// Prompt and all that follows.
    public int[] ids() {
        return Arrays.copyOf(ids, length);
    }

    /// Tokens of prompt and all that follows.
    public int length() {
        return length;
    }

    /// Tokens after the prompt.
    public int completionLength() {
        return length - promptLength;
    }

    /// The policy's own tokens.
    public int sampledTokens() {
        return completionLength() - foreign.cardinality();
    }

    /// Where a token after the prompt is not the policy's own.
    public BitSet foreign() {
        return (BitSet) foreign.clone();
    }
}
