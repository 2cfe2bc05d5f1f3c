package org.attune.rollout.sampling;

import org.attune.error.RolloutException;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.rollout.TopTokens;
import org.attune.text.Tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/// One prompt under completion, on the host.
public final class Sequence {
    private final int index;
    private final int drawn;
    private final int promptLength;
    private final int longest;
    private final SamplingConfig config;
    private final TokenConstraint constraint;
    private final Draws draws;
    private final Optional<Tokenizer> tokenizer; // if there are stop strings
    private Optional<Tokenizer.StreamDecoder> text;
    private final StringBuilder tail = new StringBuilder();
    private final int tailLength;
    private int[] tokens;
    private float[] logProbs = new float[16];
    private final List<TopTokens> top = new ArrayList<>();
    private final BitSet foreign = new BitSet();
    private Optional<BitSet> allowed = Optional.empty();
    private Set<Integer> forbidden = Set.of();
    private CompletableFuture<Optional<BitSet>> ahead; // null: it is known what is allowed
    private int length;

    /// @param index of the prompt; its draws depend on it and the seed
    /// @param longest most tokens it may have, prompt included
    /// @param tokenizer needed for stop strings only
    /// @param drawn position of its first token among the draws
    /// @throws RolloutException if there are stop strings and no tokenizer
    public Sequence(
            int index,
            int[] prompt,
            int longest,
            SamplingConfig config,
            Optional<Tokenizer> tokenizer,
            TokenConstraint constraint,
            int drawn) {
        this.index = index;
        this.drawn = drawn;
        this.longest = longest;
        this.config = config;
        this.constraint = constraint;
        this.tokenizer = config.stopStrings().isEmpty() ? Optional.empty() : tokenizer;
        if (!config.stopStrings().isEmpty() && tokenizer.isEmpty()) {
            throw new RolloutException(
                    "stop_strings need a tokenizer, and this generator was made without one");
        }
        draws = new Draws(config.seed());
        text = textOfNext();
        promptLength = prompt.length;
        length = prompt.length;
        tokens = Arrays.copyOf(prompt, prompt.length + 16);
        tailLength = config.stopStrings().stream().mapToInt(String::length).max().orElse(0);
    }

    private Optional<Tokenizer.StreamDecoder> textOfNext() {
        return tokenizer.map(t -> t.streamDecoder(false));
    }

    public int index() {
        return index;
    }

    public SamplingConfig config() {
        return config;
    }

    int promptLength() {
        return promptLength;
    }

    /// Has a token never be sampled.
    public void forbid(int id) {
        forbidden = Set.of(id);
    }

    /// Tokens that may not be sampled next.
    Set<Integer> banned() {
        Set<Integer> stops = mayStop() ? Set.of() : config.stopIds();
        if (stops.isEmpty() || forbidden.isEmpty()) {
            return stops.isEmpty() ? forbidden : stops;
        }
        Set<Integer> all = new HashSet<>(stops);
        all.addAll(forbidden);
        return all;
    }

    /// Tokens of the completion so far, those from outside included.
    public int generated() {
        return length - promptLength;
    }

    /// Tokens of prompt and completion.
    public int length() {
        return length;
    }

    /// Tokens from outside that may be appended so that at least one more can be sampled.
    public int room() {
        return longest - 1 - length;
    }

    public int last() {
        return tokens[length - 1];
    }

    /// Prompt and completion.
    public int[] all() {
        return Arrays.copyOf(tokens, length);
    }

    /// Random number in [0, 1) for the next token: follows from seed, index and position alone.
    double uniform() {
        return draws.uniform(index, drawn + generated());
    }

    /// Whether a stop token or a stop string may end the completion by now.
    boolean mayStop() {
        return generated() >= config.minNewTokens();
    }

    /// Ids that may come next; empty: all.
    Optional<BitSet> allowed() {
        return allowed;
    }

    /// Asks the constraint what may come next, on another thread if that [takes
    /// time][TokenConstraint#takesTime]. To be called before each token is sampled.
    ///
    /// @param vocabulary number of tokens
    /// @throws RolloutException if it allows nothing; or [#settle] does
    public void constrain(int vocabulary) {
        drop();
        if (constraint.takesTime()) {
            ahead =
                    CompletableFuture.supplyAsync(
                            () -> asked(vocabulary), task -> Thread.ofVirtual().start(task));
        } else {
            allowed = asked(vocabulary);
        }
    }

    private Optional<BitSet> asked(int vocabulary) {
        return constraint.allowed().map(ids -> left(ids, vocabulary));
    }

    private BitSet left(BitSet ids, int vocabulary) {
        var left = (BitSet) ids.clone();
        left.clear(vocabulary, Math.max(vocabulary, left.length()));
        if (!mayStop()) {
            config.stopIds().forEach(left::clear);
        }
        if (left.isEmpty()) {
            throw new RolloutException(
                    ("a constraint allows no token after %d tokens of a completion; accepted: at"
                                    + " least one id below %d that isn't a stop token before"
                                    + " min_new_tokens (%d)")
                            .formatted(generated(), vocabulary, config.minNewTokens()));
        }
        return left;
    }

    /// Waits until it is known what may come next. To be called before it is sampled.
    ///
    /// @throws RuntimeException of the constraint; then everything is allowed
    public void settle() {
        if (ahead == null) {
            return;
        }
        CompletableFuture<Optional<BitSet>> asked = ahead;
        ahead = null;
        allowed = Optional.empty();
        try {
            allowed = asked.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException own ? own : e;
        }
    }

    /// Waits for an answer that nobody needs: the constraint must not hear of a token meanwhile.
    private void drop() {
        if (ahead != null) {
            ahead.handle((_, _) -> null).join();
            ahead = null;
        }
    }

    /// Remembers the likeliest or drawable tokens of the place to which a token is appended next.
    public void report(TopTokens likeliest) {
        top.add(likeliest);
    }

    /// What was [reported][#report] of the position of the token appended last; none unless it was
    /// asked for.
    public TopTokens lastReport() {
        return top.isEmpty() ? TopTokens.NONE : top.getLast();
    }

    /// Appends a token of the model's own.
    ///
    /// @return why the completion ends with it; empty if it goes on
    public Optional<StopReason> append(int id, float logProb) {
        put(id, logProb, false);
        if (config.stopIds().contains(id)) {
            return Optional.of(StopReason.STOP_TOKEN);
        }
        if (endsText(id)) {
            return Optional.of(StopReason.STOP_STRING);
        }
        return length >= longest ? Optional.of(StopReason.MAX_TOKENS) : Optional.empty();
    }

    /// Appends tokens of an earlier request for it, which none of them ended.
    public void repeat(SampledCompletion before) {
        for (int t = 0; t < before.ids().length; t++) {
            append(before.ids()[t], before.logProbs()[t]);
        }
    }

    /// Appends tokens from outside, which end nothing: stop strings are looked for behind them.
    ///
    /// @param ids at most [#room]; none is fine
    public void appendForeign(int[] ids) {
        for (int id : ids) {
            foreign.set(generated());
            if (config.reports()) {
                top.add(TopTokens.NONE);
            }
            put(id, Float.NaN, true);
        }
        if (ids.length > 0) {
            tail.setLength(0);
            text = textOfNext();
        }
    }

    private void put(int id, float logProb, boolean isForeign) {
        drop();
        if (length == tokens.length) {
            tokens = Arrays.copyOf(tokens, 2 * length);
        }
        if (generated() == logProbs.length) {
            logProbs = Arrays.copyOf(logProbs, 2 * logProbs.length);
        }
        logProbs[generated()] = logProb;
        tokens[length++] = id;
        constraint.appended(id, isForeign);
    }

    private boolean endsText(int id) {
        if (text.isEmpty()) {
            return false;
        }
        String added = text.get().push(id);
        tail.append(added);
        boolean found =
                !added.isEmpty()
                        && config.stopStrings().stream().anyMatch(s -> tail.indexOf(s) >= 0);
        // Of what was searched, only the end can be the beginning of a match.
        tail.delete(0, Math.max(0, tail.length() - tailLength + 1));
        if (found && mayStop()) {
            tail.setLength(0); // a sequence that goes on all the same ends with the next match
            return true;
        }
        return false;
    }

    public SampledCompletion completion(StopReason reason) {
        return new SampledCompletion(
                Arrays.copyOfRange(tokens, promptLength, length),
                Arrays.copyOf(logProbs, generated()),
                reason,
                config.reportsDrawable() ? List.of() : top,
                foreign,
                Optional.empty(),
                config.reportsDrawable() ? top.stream().map(TopTokens::ids).toList() : List.of());
    }
}
