package org.attune.policy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// Sequences in a [TokenForest], laid out so that what several of them begin with is computed once:
/// the system prompt of unrelated rows, the prompt of a pair or a group, completions that begin
/// alike. Nothing but time and memory depends on it.
public final class SequenceTree {
    /// Rows that a common beginning must save to become a segment of its own, whose attention costs
    /// about as much as some rows' products.
    static final int LEAST_SAVED = 8;

    private final TokenForest.Builder builder;
    private final List<int[]> sequences;
    private final Path[] paths;

    private SequenceTree(TokenForest.Builder builder, List<int[]> sequences) {
        this.builder = builder;
        this.sequences = sequences;
        paths = new Path[sequences.size()];
    }

    /// Adds sequences as new trees.
    ///
    /// @param shares false where equality can't hold: router losses, RoPE that depends on the total
    ///     length, dropout in what would be shared. Then each sequence is a root of its own
    /// @return where each of them stands
    public static List<Path> add(
            TokenForest.Builder builder, List<int[]> sequences, boolean shares) {
        var tree = new SequenceTree(builder, sequences);
        if (shares && sequences.size() > 1) {
            tree.branch(IntStream.range(0, sequences.size()).boxed().toList(), Branch.NONE);
        } else {
            for (int i = 0; i < sequences.size(); i++) {
                tree.end(i, Branch.NONE);
            }
        }
        return List.of(tree.paths);
    }

    /// Most tokens that a sequence adds to a tree of others.
    ///
    /// @param others some of them: more can only lower what it really adds
    public static int added(List<int[]> others, int[] sequence) {
        int common = 0;
        for (int[] other : others) {
            common = Math.max(common, common(other, sequence, 0));
        }
        // Less than that many may be left in segments of their own.
        return sequence.length - Math.max(0, common - LEAST_SAVED + 1);
    }

    /// Segments from a root on.
    ///
    /// @param segments their numbers
    /// @param ends how many tokens of a sequence there are up to the end of each
    private record Branch(List<Integer> segments, List<Integer> ends) {
        static final Branch NONE = new Branch(List.of(), List.of());

        int length() {
            return ends.isEmpty() ? 0 : ends.getLast();
        }

        Branch with(int segment, int end) {
            return new Branch(and(segments, segment), and(ends, end));
        }

        private static List<Integer> and(List<Integer> all, int one) {
            var more = new ArrayList<>(all);
            more.add(one);
            return more;
        }
    }

    /// Lays out sequences that begin with the tokens of `trunk`.
    private void branch(List<Integer> members, Branch trunk) {
        if (members.size() == 1) {
            end(members.getFirst(), trunk);
            return;
        }
        int[] first = sequences.get(members.getFirst());
        int common = first.length;
        for (int member : members) {
            common = Math.min(common, common(first, sequences.get(member), trunk.length()));
        }
        long saved = (long) (common - trunk.length()) * (members.size() - 1);
        Branch grown = saved >= LEAST_SAVED ? grown(first, trunk, common) : trunk;
        Map<Integer, List<Integer>> byNext = new LinkedHashMap<>();
        for (int member : members) {
            int[] ids = sequences.get(member);
            if (ids.length == common) {
                end(member, grown);
            } else {
                byNext.computeIfAbsent(ids[common], _ -> new ArrayList<>()).add(member);
            }
        }
        byNext.values().forEach(others -> branch(others, grown));
    }

    private void end(int member, Branch trunk) {
        int[] ids = sequences.get(member);
        boolean isWhole = ids.length == trunk.length() && !trunk.segments().isEmpty();
        Branch whole = isWhole ? trunk : grown(ids, trunk, ids.length);
        paths[member] = new Path(builder, whole);
    }

    private Branch grown(int[] ids, Branch trunk, int end) {
        int[] own = Arrays.copyOfRange(ids, trunk.length(), end);
        int segment =
                trunk.segments().isEmpty()
                        ? builder.root(own)
                        : builder.child(trunk.segments().getLast(), own);
        return trunk.with(segment, end);
    }

    /// How many tokens both begin with, of which `known` are.
    private static int common(int[] a, int[] b, int known) {
        int difference = Arrays.mismatch(a, known, a.length, b, known, b.length);
        return difference < 0 ? a.length : known + difference;
    }

    /// Where a sequence stands: what it adds to the forest's targets.
    public static final class Path {
        private final TokenForest.Builder builder;
        private final int[] segments;
        private final int[] ends;

        private Path(TokenForest.Builder builder, Branch branch) {
            this.builder = builder;
            segments = branch.segments().stream().mapToInt(i -> i).toArray();
            ends = branch.ends().stream().mapToInt(i -> i).toArray();
        }

        /// Number of tokens.
        public int length() {
            return ends[ends.length - 1];
        }

        /// Makes its token `index` a target, predicted from the token before it.
        ///
        /// @return the target's number
        /// @throws IllegalArgumentException of the first token, which nothing predicts
        public int target(int index) {
            int s = holder(index);
            return builder.target(segments[s], index - start(s));
        }

        /// Asks a classification model for its score at token `index`.
        ///
        /// @param label row of the score head
        /// @return the target's number
        public int score(int index, int label) {
            int s = holder(index);
            return builder.score(segments[s], index - start(s), label);
        }

        /// Adds a token that sees the whole sequence and not itself, and asks for its score.
        ///
        /// @param ahead positions between it and the end, ≥ 0
        /// @return the target's number
        public int scoreOnlooker(int id, int ahead, int label) {
            int last = segments[segments.length - 1];
            return builder.score(builder.onlooker(last, id, ahead), label);
        }

        /// The segment that holds a token.
        private int holder(int index) {
            for (int s = 0; s < ends.length; s++) {
                if (index < ends[s]) {
                    return s;
                }
            }
            throw new IndexOutOfBoundsException(
                    "a sequence of %d tokens has none at %d".formatted(length(), index));
        }

        private int start(int s) {
            return s == 0 ? 0 : ends[s - 1];
        }
    }
}
