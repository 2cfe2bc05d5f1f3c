package org.attune.trainers.layout;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.policy.SequenceTree;
import org.attune.policy.TokenForest;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;

/// A micro-batch of completions. With shared prompts, what sequences of prompt and completion begin
/// with in common is computed once: the prompt of a group, a system prompt, completions that begin
/// alike.
///
/// @param forest the layout; targets are the completions' tokens, completion by completion
/// @param completions the targets of each completion
@Api(EXPERIMENTAL)
public record CompletionForest(TokenForest forest, List<TargetRange> completions)
        implements RowForest {
    private static final int VALUE = 0; // the one label
    private static final BitSet NOTHING = new BitSet(); // never changed

    public CompletionForest {
        completions = List.copyOf(completions);
    }

    /// A row of one completion behind its prompt.
    ///
    /// @param prompt its prompt's ids, at least one
    /// @param completion its ids, at least one
    /// @param forks where it goes on behind other tokens, in order; usually none
    /// @param drawable tokens that each of the completion was drawn from, where others had been
    ///     left out, `(T)`; empty: all
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Row(int[] prompt, int[] completion, List<Fork> forks, List<int[]> drawable) {
        public Row {
            forks = List.copyOf(forks);
            drawable = List.copyOf(drawable);
        }

        /// A row whose tokens were drawn from all.
        public Row(int[] prompt, int[] completion, List<Fork> forks) {
            this(prompt, completion, forks, List.of());
        }

        /// A row without forks.
        public Row(int[] prompt, int[] completion) {
            this(prompt, completion, List.of());
        }

        /// Number of tokens of prompt and completion.
        public int length() {
            return prompt.length + completion.length;
        }

        /// The sequences that are computed for it: one more than there are forks.
        public List<int[]> sequences() {
            List<int[]> all = new ArrayList<>();
            for (int i = 0; i <= forks.size(); i++) {
                int[] before = context(i);
                int[] ids = Arrays.copyOf(before, before.length + end(i) - start(i));
                System.arraycopy(completion, start(i), ids, before.length, end(i) - start(i));
                all.add(ids);
            }
            return all;
        }

        /// The first token of each sequence that is the completion's.
        public int[] starts() {
            int[] starts = new int[forks.size() + 1];
            Arrays.setAll(starts, i -> context(i).length);
            return starts;
        }

        private int[] context(int sequence) {
            return sequence == 0 ? prompt : forks.get(sequence - 1).context();
        }

        private int start(int sequence) {
            return sequence == 0 ? 0 : forks.get(sequence - 1).at();
        }

        private int end(int sequence) {
            return sequence == forks.size() ? completion.length : forks.get(sequence).at();
        }

        /// Which sequence a token of the completion stands in.
        private int sequenceOf(int token) {
            int sequence = 0;
            while (sequence < forks.size() && forks.get(sequence).at() <= token) {
                sequence++;
            }
            return sequence;
        }
    }

    /// Where the rest of a completion follows other tokens than those before it, as where an
    /// episode's history is rendered anew.
    ///
    /// @param at the first token of the completion that does
    /// @param context all tokens that it follows
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Fork(int at, int[] context) {}

    /// Lays rows out.
    ///
    /// @param sharePrompts as in [SequenceTree#add]
    public static CompletionForest of(List<Row> rows, boolean sharePrompts) {
        return laidOut(rows, sharePrompts, (paths, row, i) -> addTokens(paths, row, NOTHING));
    }

    /// The tokens that the targets of [#of] were drawn from, as a head is asked; empty: all.
    public static List<int[]> drawable(List<Row> rows) {
        if (rows.stream().allMatch(row -> row.drawable().isEmpty())) {
            return List.of();
        }
        List<int[]> all = new ArrayList<>();
        for (Row row : rows) {
            all.addAll(
                    row.drawable().isEmpty()
                            ? Collections.nCopies(row.completion().length, new int[0])
                            : row.drawable());
        }
        return all;
    }

    /// Lays rows out with the model's own tokens as the only targets.
    ///
    /// @param foreign such tokens of each row's completion
    public static CompletionForest own(List<Row> rows, List<BitSet> foreign, boolean sharePrompts) {
        return laidOut(
                rows, sharePrompts, (paths, row, i) -> addTokens(paths, row, foreign.get(i)));
    }

    /// Lays rows out for a critic, which is asked what it expects before each token.
    ///
    /// @param counts estimates of each row: one for each of its tokens, or one more, after its last
    ///     token
    /// @return targets are the estimates, row by row
    public static CompletionForest values(List<Row> rows, int[] counts, boolean sharePrompts) {
        return laidOut(
                rows,
                sharePrompts,
                (paths, row, i) -> {
                    for (int t = 0; t < counts[i]; t++) {
                        int in = row.sequenceOf(t);
                        int at = row.context(in).length + t - row.start(in);
                        paths.get(in).score(at - 1, VALUE);
                    }
                });
    }

    /// The layout of [#of] with what a batch of padded rows computes behind each completion, for
    /// statistics. Its targets are followed by one at its last token and one at a padding token,
    /// both of token `id`.
    ///
    /// @param id that padding is computed with
    /// @return ranges without these targets: those of completion `i` start where its range ends
    public static CompletionForest padded(List<Row> rows, int id, boolean sharePrompts) {
        CompletionForest whole =
                laidOut(
                        rows,
                        sharePrompts,
                        (paths, row, i) -> {
                            addTokens(paths, row, NOTHING);
                            SequenceTree.Path path = paths.getLast();
                            path.score(path.length() - 1, id);
                            path.scoreOnlooker(id, 0, id);
                        });
        return new CompletionForest(
                whole.forest(),
                whole.completions().stream()
                        .map(r -> new TargetRange(r.start(), r.end() - 2))
                        .toList());
    }

    /// Adds the targets of a row.
    @FunctionalInterface
    private interface Targets {
        /// @param paths of the row's sequences
        void add(List<SequenceTree.Path> paths, Row row, int number);
    }

    /// @param left tokens of the completion that are no targets
    private static void addTokens(List<SequenceTree.Path> paths, Row row, BitSet left) {
        for (int i = 0; i < paths.size(); i++) {
            int before = row.context(i).length;
            for (int t = before; t < paths.get(i).length(); t++) {
                if (!left.get(row.start(i) + t - before)) {
                    paths.get(i).target(t);
                }
            }
        }
    }

    private static CompletionForest laidOut(List<Row> rows, boolean sharePrompts, Targets targets) {
        TokenForest.Builder builder = TokenForest.builder();
        List<SequenceTree.Path> paths =
                SequenceTree.add(
                        builder,
                        rows.stream().flatMap(row -> row.sequences().stream()).toList(),
                        sharePrompts);
        List<TargetRange> ranges = new ArrayList<>();
        int path = 0;
        for (int i = 0; i < rows.size(); i++) {
            int start = builder.targetCount();
            int end = path + rows.get(i).forks().size() + 1;
            targets.add(paths.subList(path, end), rows.get(i), i);
            path = end;
            ranges.add(new TargetRange(start, builder.targetCount()));
        }
        return new CompletionForest(builder.build(), ranges);
    }
}
