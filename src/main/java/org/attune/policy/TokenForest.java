package org.attune.policy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/// One physical micro-batch: `N` tokens in a row, cut into segments that form trees, and `M`
/// targets.
///
/// A token attends causally to its own segment and to all ancestors of it; positions continue from
/// the parent's end. Nothing is padded. Packing is several roots; a preference pair is a prompt
/// with two children; a group of completions is a prompt with `G` children. Immutable.
public final class TokenForest {
    /// Parent of a segment that has none.
    public static final int ROOT = -1;

    private final int[] tokens;
    private final int[] positions;
    private final List<Segment> segments;
    private final int[] targetSources;
    private final int[] targetTokens;

    private TokenForest(
            int[] tokens,
            int[] positions,
            List<Segment> segments,
            int[] targetSources,
            int[] targetTokens) {
        this.tokens = tokens;
        this.positions = positions;
        this.segments = List.copyOf(segments);
        this.targetSources = targetSources;
        this.targetTokens = targetTokens;
    }

    /// @param parent index of the parent segment, or [#ROOT]
    /// @param start first row of the segment
    /// @param end one past the last row
    /// @param position position id of the first token
    /// @param seesItself false of an onlooker, see [Builder#onlooker]
    public record Segment(int parent, int start, int end, int position, boolean seesItself) {
        public int length() {
            return end - start;
        }
    }

    /// Number of tokens, `N`.
    public int size() {
        return tokens.length;
    }

    /// Number of targets, `M`.
    public int targetCount() {
        return targetSources.length;
    }

    /// Token ids, `(N)`. Do not modify.
    public int[] tokens() {
        return tokens;
    }

    /// Position ids, `(N)`. Do not modify.
    public int[] positions() {
        return positions;
    }

    /// Segments; a parent comes before its children.
    public List<Segment> segments() {
        return segments;
    }

    /// Row whose hidden state predicts (or scores) each target, `(M)`. Do not modify.
    public int[] targetSources() {
        return targetSources;
    }

    /// Token id (or label) of each target, `(M)`. Do not modify.
    public int[] targetTokens() {
        return targetTokens;
    }

    public static Builder builder() {
        return new Builder();
    }

    /// Builds a forest segment by segment. Targets are numbered in the order in which they are
    /// added.
    public static final class Builder {
        private int[] tokens = new int[256];
        private int[] positions = new int[256];
        private int size;
        private final List<Segment> segments = new ArrayList<>();
        private int[] sources = new int[256];
        private int[] targets = new int[256];
        private int targetCount;

        private Builder() {}

        /// Adds a sequence of its own and returns its segment number.
        public int root(int[] ids) {
            return add(ROOT, ids, true);
        }

        /// Adds a continuation of segment `parent` and returns its segment number. It may be empty.
        public int child(int parent, int[] ids) {
            if (parent < 0 || parent >= segments.size()) {
                throw new IllegalArgumentException(
                        "parent segment "
                                + parent
                                + " does not exist; there are "
                                + segments.size());
            }
            return add(parent, ids, true);
        }

        /// Adds a token that attends to its ancestors and not to itself, as padding does in models
        /// whose keys at padding are masked. It can't be a target, and has no children.
        ///
        /// @param parent a path with at least one token
        /// @param ahead positions between it and the path's end, ≥ 0: of other onlookers, which it
        ///     doesn't see either
        public int onlooker(int parent, int id, int ahead) {
            if (lastRowOf(parent) < 0) {
                throw new IllegalArgumentException("an onlooker needs tokens to look at");
            }
            if (ahead < 0) {
                throw new IllegalArgumentException("ahead must be >= 0, got " + ahead);
            }
            return add(parent, new int[] {id}, ahead, false);
        }

        private int add(int parent, int[] ids, boolean seesItself) {
            return add(parent, ids, 0, seesItself);
        }

        private int add(int parent, int[] ids, int ahead, boolean seesItself) {
            int position =
                    parent == ROOT
                            ? 0
                            : segments.get(parent).position()
                                    + segments.get(parent).length()
                                    + ahead;
            tokens = grown(tokens, size + ids.length);
            positions = grown(positions, size + ids.length);
            for (int i = 0; i < ids.length; i++) {
                tokens[size + i] = ids[i];
                positions[size + i] = position + i;
            }
            segments.add(new Segment(parent, size, size + ids.length, position, seesItself));
            size += ids.length;
            return segments.size() - 1;
        }

        /// Makes token `index` of `segment` a target, predicted from the token before it on its
        /// path.
        ///
        /// @return the target's number
        /// @throws IllegalArgumentException if nothing stands before the token
        public int target(int segment, int index) {
            Segment s = segments.get(segment);
            if (index < 0 || index >= s.length()) {
                throw new IllegalArgumentException(
                        "segment "
                                + segment
                                + " has "
                                + s.length()
                                + " tokens, not one at "
                                + index);
            }
            int source = index > 0 ? s.start() + index - 1 : lastRowOf(s.parent());
            if (source < 0) {
                throw new IllegalArgumentException(
                        "the first token of a sequence can't be a target: nothing predicts it");
            }
            return add(source, tokens[s.start() + index]);
        }

        /// Asks a classification model for its score at token `index` of `segment` itself.
        ///
        /// @param label row of the score head
        /// @return the target's number
        public int score(int segment, int index, int label) {
            Segment s = segments.get(segment);
            return add(s.start() + Objects.checkIndex(index, s.length()), label);
        }

        /// Asks a sequence-classification model for its score of the sequence that ends with
        /// `segment`: a target read at the path's last token itself.
        ///
        /// @param label row of the score head
        /// @return the target's number
        /// @throws IllegalArgumentException if the path has no token
        public int score(int segment, int label) {
            int source = lastRowOf(segment);
            if (source < 0) {
                throw new IllegalArgumentException("an empty sequence has no score");
            }
            return add(source, label);
        }

        private int add(int source, int target) {
            sources = grown(sources, targetCount + 1);
            targets = grown(targets, targetCount + 1);
            sources[targetCount] = source;
            targets[targetCount] = target;
            return targetCount++;
        }

        /// Tokens added so far.
        public int size() {
            return size;
        }

        /// Targets added so far.
        public int targetCount() {
            return targetCount;
        }

        public TokenForest build() {
            return new TokenForest(
                    Arrays.copyOf(tokens, size),
                    Arrays.copyOf(positions, size),
                    segments,
                    Arrays.copyOf(sources, targetCount),
                    Arrays.copyOf(targets, targetCount));
        }

        private int lastRowOf(int segment) {
            for (int s = segment; s != ROOT; s = segments.get(s).parent()) {
                if (segments.get(s).length() > 0) {
                    return segments.get(s).end() - 1;
                }
            }
            return -1;
        }

        private static int[] grown(int[] a, int needed) {
            return needed <= a.length ? a : Arrays.copyOf(a, Math.max(needed, 2 * a.length));
        }
    }
}
