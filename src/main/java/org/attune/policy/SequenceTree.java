package org.attune.policy;

import org.attune.images.SeenPicture;

import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/// Sequences in a [TokenForest], laid out so that a beginning that several share is computed once:
/// the system prompt of unrelated rows, the prompt of a pair or a group, completions that begin
/// alike. Nothing but time and memory depends on it.
public final class SequenceTree {
    /// Rows that a common beginning must save to become its own segment, whose attention costs
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
    ///     length. Then each sequence is its own root
    /// @return where each of them stands
    public static List<Path> add(
            TokenForest.Builder builder, List<int[]> sequences, boolean shares) {
        var tree = new SequenceTree(builder, sequences);
        if (shares && sequences.size() > 1) {
            tree.branch(IntStream.range(0, sequences.size()).boxed().toList(), Trunk.NONE);
        } else {
            for (int i = 0; i < sequences.size(); i++) {
                tree.end(i, Trunk.NONE);
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
        // Less than that many may be left in their own segments.
        return sequence.length - Math.max(0, common - LEAST_SAVED + 1);
    }

    /// A segment with those before it.
    ///
    /// @param before null of a root, and of no segment
    /// @param end how many tokens of a sequence there are up to its end
    private record Trunk(Trunk before, int segment, int end) {
        static final Trunk NONE = new Trunk(null, TokenForest.ROOT, 0);

        int start() {
            return before == null ? 0 : before.end();
        }
    }

    /// Lays out sequences that begin with the tokens of `trunk`.
    private void branch(List<Integer> members, Trunk trunk) {
        if (members.size() == 1) {
            end(members.getFirst(), trunk);
            return;
        }
        int[] first = sequences.get(members.getFirst());
        int common = first.length;
        for (int member : members) {
            common = Math.min(common, common(first, sequences.get(member), trunk.end()));
        }
        common = Math.max(trunk.end(), betweenPictures(members, common));
        long saved = (long) (common - trunk.end()) * (members.size() - 1);
        Trunk grown = saved >= LEAST_SAVED ? grown(first, trunk, common) : trunk;
        Map<IntBuffer, List<Integer>> byNext = new LinkedHashMap<>();
        for (int member : members) {
            int[] ids = sequences.get(member);
            if (ids.length == common) {
                end(member, grown);
            } else {
                int[] next = Arrays.copyOfRange(ids, common, SeenPicture.runEnd(ids, common));
                byNext.computeIfAbsent(IntBuffer.wrap(next), _ -> new ArrayList<>()).add(member);
            }
        }
        byNext.values().forEach(others -> branch(others, grown));
    }

    /// The last place up to which no sequence has rows of pictures on both sides: they may see each
    /// other.
    private int betweenPictures(List<Integer> members, int common) {
        int place = common;
        for (int member : members) {
            int[] ids = sequences.get(member);
            if (common > 0 && SeenPicture.runEnd(ids, common - 1) > common) {
                place = Math.min(place, SeenPicture.runStart(ids, common - 1));
            }
        }
        return place;
    }

    private void end(int member, Trunk trunk) {
        int[] ids = sequences.get(member);
        boolean isWhole = ids.length == trunk.end() && trunk != Trunk.NONE;
        Trunk whole = isWhole ? trunk : grown(ids, trunk, ids.length);
        paths[member] = new Path(builder, whole);
    }

    private Trunk grown(int[] ids, Trunk trunk, int end) {
        int[] own = Arrays.copyOfRange(ids, trunk.end(), end);
        return trunk == Trunk.NONE
                ? new Trunk(null, builder.root(own), end)
                : new Trunk(trunk, builder.child(trunk.segment(), own), end);
    }

    /// How many tokens both begin with, of which `known` are.
    private static int common(int[] a, int[] b, int known) {
        int difference = Arrays.mismatch(a, known, a.length, b, known, b.length);
        return difference < 0 ? a.length : known + difference;
    }

    /// Where a sequence stands: what it adds to the forest's targets.
    public static final class Path {
        private final TokenForest.Builder builder;
        private final Trunk last;

        private Path(TokenForest.Builder builder, Trunk last) {
            this.builder = builder;
            this.last = last;
        }

        /// Number of tokens.
        public int length() {
            return last.end();
        }

        /// Makes its token `index` a target, predicted from the token before it.
        ///
        /// @return the target's number
        /// @throws IllegalArgumentException of the first token, which nothing predicts
        public int target(int index) {
            Trunk holder = holder(index);
            return builder.target(holder.segment(), index - holder.start());
        }

        /// Asks a classification model for its score at token `index`.
        ///
        /// @param label row of the score head
        /// @return the target's number
        public int score(int index, int label) {
            Trunk holder = holder(index);
            return builder.score(holder.segment(), index - holder.start(), label);
        }

        /// Adds a token that sees the whole sequence and not itself, and asks for its score.
        ///
        /// @param ahead positions between it and the end, ≥ 0
        /// @return the target's number
        public int scoreOnlooker(int id, int ahead, int label) {
            return builder.score(builder.onlooker(last.segment(), id, ahead), label);
        }

        /// The segment that holds a token.
        private Trunk holder(int index) {
            Objects.checkIndex(index, length());
            Trunk holder = last;
            while (index < holder.start()) {
                holder = holder.before();
            }
            return holder;
        }
    }
}
