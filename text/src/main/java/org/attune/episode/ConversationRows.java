package org.attune.episode;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/// Makes rows of the requests of one conversation, as a server sees them: each brings all tokens
/// that its answer follows. If these begin with the tokens of the row so far, the row goes on; if
/// history was rendered otherwise, another row begins. Not thread-safe.
final class ConversationRows {
    private final int realignBelow;
    private final List<Row> rows = new ArrayList<>();
    private int clean;
    private int realigned;
    private int forked;
    private int driftTokens;
    private int mostDrift;

    /// How a request's tokens go together with those of the row so far.
    public enum Drift {
        /// The request's tokens begin with those of the row.
        CLEAN,
        /// The tokens differ in the end of the last answer, which is overwritten and no longer
        /// trained.
        REALIGN,
        /// The tokens differ before that: another row begins.
        FORK
    }

    /// How requests after the first went together with those before.
    ///
    /// @param clean requests of [Drift#CLEAN]
    /// @param realigned requests of [Drift#REALIGN]
    /// @param forked requests of [Drift#FORK]
    /// @param driftTokens tokens of rows that requests didn't begin with, in all
    /// @param mostDrift the most of one request
    public record Counts(int clean, int realigned, int forked, int driftTokens, int mostDrift) {}

    /// @param realignBelow differences of fewer tokens at the end of the last answer are
    ///     overwritten as context, as by TRL's `fork_threshold_tokens`. What follows is then
    ///     trained after another context than the sampler saw: 0, never, is right for training
    public ConversationRows(int realignBelow) {
        this.realignBelow = realignBelow;
    }

    /// A row that grows.
    private static final class Row {
        private final int promptLength;
        private final BitSet own = new BitSet(); // by position in ids
        private int[] ids = {};
        private float[] logProbs = {};
        private int answer; // where the last one starts

        Row(int promptLength) {
            this.promptLength = promptLength;
        }

        int matched(int[] context) {
            int differs = Arrays.mismatch(ids, context);
            return differs < 0 ? ids.length : differs;
        }

        void follow(int[] context, int matched) {
            own.clear(matched, Math.max(matched, ids.length));
            ids = context.clone();
            logProbs = Arrays.copyOf(logProbs, matched);
            logProbs = Arrays.copyOf(logProbs, ids.length);
        }

        void answer(int[] tokens, float[] values, BitSet trained) {
            answer = ids.length;
            ids = Arrays.copyOf(ids, answer + tokens.length);
            System.arraycopy(tokens, 0, ids, answer, tokens.length);
            logProbs = Arrays.copyOf(logProbs, ids.length);
            System.arraycopy(values, 0, logProbs, answer, values.length);
            for (int i = 0; i < tokens.length; i++) {
                own.set(answer + i, trained.get(i));
            }
        }

        EpisodeRow row() {
            var foreign = new BitSet();
            foreign.set(0, ids.length - promptLength);
            own.stream().forEach(at -> foreign.clear(at - promptLength));
            return new EpisodeRow(
                    Arrays.copyOf(ids, promptLength),
                    Arrays.copyOfRange(ids, promptLength, ids.length),
                    Arrays.copyOfRange(logProbs, promptLength, ids.length),
                    foreign);
        }
    }

    /// Adds a request with its answer, all of which is trained.
    public Drift add(int[] context, int[] answer, float[] logProbs) {
        var all = new BitSet();
        all.set(0, answer.length);
        return add(context, answer, logProbs, all);
    }

    /// Adds a request with its answer.
    ///
    /// @param context all tokens that the answer follows
    /// @param logProbs of the answer's tokens
    /// @param trained which of these are trained
    public Drift add(int[] context, int[] answer, float[] logProbs, BitSet trained) {
        Drift drift = rows.isEmpty() ? Drift.FORK : drift(rows.getLast(), context);
        if (drift == Drift.FORK) {
            rows.add(new Row(context.length));
        }
        Row row = rows.getLast();
        row.follow(context, row.matched(context));
        row.answer(answer, logProbs, trained);
        return drift;
    }

    private Drift drift(Row row, int[] context) {
        int matched = row.matched(context);
        int tokens = row.ids.length - matched;
        driftTokens += tokens;
        mostDrift = Math.max(mostDrift, tokens);
        if (tokens == 0) {
            clean++;
            return Drift.CLEAN;
        }
        if (matched >= row.answer && tokens < realignBelow) {
            realigned++;
            return Drift.REALIGN;
        }
        forked++;
        return Drift.FORK;
    }

    /// Rows with something to train, in order.
    public List<EpisodeRow> rows() {
        return rows.stream().filter(row -> !row.own.isEmpty()).map(Row::row).toList();
    }

    public Counts counts() {
        return new Counts(clean, realigned, forked, driftTokens, mostDrift);
    }
}
