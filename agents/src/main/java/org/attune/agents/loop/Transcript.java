package org.attune.agents.loop;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Optional;

/// The tokens of an episode. It grows at its end only: by what the policy sampled, and by what it
/// observed; or it goes on in another row. So no token is ever sampled in one context and trained
/// in another.
final class Transcript {
    private final BitSet foreign = new BitSet();
    private int promptLength; // of the row
    private int[] ids;
    private int length;
    private int earlierSampled; // own tokens of rows before
    private int earlierDrawn; // tokens behind the prompts of rows before

    /// @param prompt token ids
    public Transcript(int[] prompt) {
        begin(prompt);
    }

    private void begin(int[] prompt) {
        promptLength = prompt.length;
        length = prompt.length;
        ids = Arrays.copyOf(prompt, prompt.length + 64);
    }

    /// Goes on in another row, whose tokens so far don't begin with those of this one.
    public void anew(int[] context) {
        earlierSampled = sampledTokens();
        earlierDrawn = drawn();
        foreign.clear();
        begin(context);
    }

    /// What follows the tokens of the row so far, if others begin with them.
    public Optional<int[]> behind(int[] whole) {
        return length <= whole.length && Arrays.equals(whole, 0, length, ids, 0, length)
                ? Optional.of(Arrays.copyOfRange(whole, length, whole.length))
                : Optional.empty();
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

    /// Prompt of the row, and all that follows.
    public int[] ids() {
        return Arrays.copyOf(ids, length);
    }

    /// Tokens of the row's prompt and all that follows.
    public int length() {
        return length;
    }

    /// The policy's own tokens, in all rows.
    public int sampledTokens() {
        return earlierSampled + length - promptLength - foreign.cardinality();
    }

    /// Tokens behind the prompts of all rows: where draws go on.
    public int drawn() {
        return earlierDrawn + length - promptLength;
    }
}
