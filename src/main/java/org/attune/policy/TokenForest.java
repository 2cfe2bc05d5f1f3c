package org.attune.policy;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.images.SeenPicture;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/// One physical micro-batch: `N` tokens in a row, cut into segments that form trees, and `M`
/// targets. Tokens on which no target depends, as the last one of a completion, have no row.
///
/// A token attends causally to its own segment and to all ancestors of it; positions continue from
/// the parent's end. Nothing is padded. Packing is several roots; a preference pair is a prompt
/// with two children; a group of completions is a prompt with `G` children. Immutable.
@Api(EXPERIMENTAL)
public final class TokenForest {
    /// Parent of a segment that has none.
    public static final int ROOT = -1;

    private static final int NOTHING = -1; // of a segment is needed

    private final int[] tokens;
    private final int[] positions;
    private final List<Segment> segments;
    private final int[] targetSources;
    private final int[] targetTokens;
    private final int[] leftOut;

    private TokenForest(
            int[] tokens,
            int[] positions,
            List<Segment> segments,
            int[] targetSources,
            int[] targetTokens,
            int[] leftOut) {
        this.tokens = tokens;
        this.positions = positions;
        this.segments = List.copyOf(segments);
        this.targetSources = targetSources;
        this.targetTokens = targetTokens;
        this.leftOut = leftOut;
    }

    /// @param parent index of the parent segment, or [#ROOT]
    /// @param start first row of the segment
    /// @param end one past the last row
    /// @param position position id of the first token
    /// @param seesItself false of an onlooker, see [Builder#onlooker]
    /// @param leftOut tokens behind the last row that have none
    public record Segment(
            int parent, int start, int end, int position, boolean seesItself, int leftOut) {
        public int length() {
            return end - start;
        }

        /// The first `rows` rows, of which `start` is the first.
        private Segment cut(int start, int rows) {
            return new Segment(parent, start, start + rows, position, seesItself, length() - rows);
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

    /// The forest with rows of those tokens too on which no target depends.
    public TokenForest whole() {
        if (leftOut.length == 0) {
            return this;
        }
        int count = size() + leftOut.length;
        int[] all = new int[count];
        int[] places = new int[count];
        int[] moved = new int[size()]; // where each row goes
        List<Segment> full = new ArrayList<>();
        int start = 0;
        int from = 0;
        for (Segment s : segments) {
            System.arraycopy(tokens, s.start(), all, start, s.length());
            System.arraycopy(leftOut, from, all, start + s.length(), s.leftOut());
            from += s.leftOut();
            int length = s.length() + s.leftOut();
            for (int i = 0; i < length; i++) {
                places[start + i] = s.position() + i;
            }
            for (int i = 0; i < s.length(); i++) {
                moved[s.start() + i] = start + i;
            }
            full.add(
                    new Segment(
                            s.parent(), start, start + length, s.position(), s.seesItself(), 0));
            start += length;
        }
        int[] sources = Arrays.stream(targetSources).map(row -> moved[row]).toArray();
        return new TokenForest(all, places, full, sources, targetTokens, new int[0]);
    }

    /// The forest with tokens before every sequence, whose positions come after theirs.
    ///
    /// @param ids at least one
    /// @param apart whether each tree has its own; else all are continuations of the same ones
    TokenForest behind(int[] ids, boolean apart) {
        int p = ids.length;
        int trees = (int) segments.stream().filter(s -> s.parent() == ROOT).count();
        int copies = apart ? trees : 1;
        int count = size() + copies * p;
        int[] all = new int[count];
        int[] places = new int[count];
        int[] moved = new int[segments.size()]; // numbers of segments
        List<Segment> longer = new ArrayList<>();
        int[] shifts = new int[size()]; // by which rows come later
        int start = 0;
        for (int i = 0; i < segments.size(); i++) {
            Segment s = segments.get(i);
            boolean begins = s.parent() == ROOT && (apart || longer.isEmpty());
            if (begins) {
                System.arraycopy(ids, 0, all, start, p);
                for (int j = 0; j < p; j++) {
                    places[start + j] = j;
                }
                longer.add(new Segment(ROOT, start, start + p, 0, true, 0));
                start += p;
            }
            int parent = s.parent() != ROOT ? moved[s.parent()] : apart ? longer.size() - 1 : 0;
            moved[i] = longer.size();
            longer.add(
                    new Segment(
                            parent,
                            start,
                            start + s.length(),
                            p + s.position(),
                            s.seesItself(),
                            s.leftOut()));
            for (int row = s.start(); row < s.end(); row++) {
                all[start] = tokens[row];
                places[start] = p + positions[row];
                shifts[row] = start++ - row;
            }
        }
        int[] sources = Arrays.stream(targetSources).map(row -> row + shifts[row]).toArray();
        return new TokenForest(all, places, longer, sources, targetTokens, leftOut);
    }

    /// The forest with the image token as the target wherever a picture's row is one.
    TokenForest withImageTargets(int imageToken) {
        if (Arrays.stream(targetTokens).noneMatch(SeenPicture::seesAhead)) {
            return this;
        }
        int[] targets = SeenPicture.named(targetTokens, imageToken);
        return new TokenForest(tokens, positions, segments, targetSources, targets, leftOut);
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

        /// Adds a sequence that shares nothing and returns its segment number.
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
            segments.add(new Segment(parent, size, size + ids.length, position, seesItself, 0));
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

        /// Makes the forest of what its targets depend on; of everything if there are no targets.
        public TokenForest build() {
            int[] segmentOf = segmentOfRows();
            int[] lengths = targetCount > 0 ? neededLengths(segmentOf) : lengths();
            int count = Arrays.stream(lengths).sum();
            int[] keptTokens = new int[count];
            int[] keptPositions = new int[count];
            int[] moved = new int[segments.size()]; // rows by which each segment comes earlier
            List<Segment> kept = new ArrayList<>();
            int[] left = new int[size - count];
            int start = 0;
            for (int i = 0; i < lengths.length; i++) {
                Segment s = segments.get(i);
                int more = s.length() - lengths[i];
                System.arraycopy(tokens, s.start() + lengths[i], left, s.start() - start, more);
                System.arraycopy(tokens, s.start(), keptTokens, start, lengths[i]);
                System.arraycopy(positions, s.start(), keptPositions, start, lengths[i]);
                kept.add(s.cut(start, lengths[i]));
                moved[i] = s.start() - start;
                start += lengths[i];
            }
            return new TokenForest(
                    keptTokens,
                    keptPositions,
                    kept,
                    Arrays.stream(sources, 0, targetCount)
                            .map(row -> row - moved[segmentOf[row]])
                            .toArray(),
                    Arrays.copyOf(targets, targetCount),
                    left);
        }

        /// Number of the segment of each row added so far.
        private int[] segmentOfRows() {
            int[] segmentOf = new int[size];
            for (int i = 0; i < segments.size(); i++) {
                Arrays.fill(segmentOf, segments.get(i).start(), segments.get(i).end(), i);
            }
            return segmentOf;
        }

        private int[] lengths() {
            return segments.stream().mapToInt(Segment::length).toArray();
        }

        /// How many rows of each segment a target depends on: those up to the last one that
        /// predicts something, or all where a continuation has such a row.
        private int[] neededLengths(int[] segmentOf) {
            int[] needed = new int[segments.size()];
            Arrays.fill(needed, NOTHING);
            for (int t = 0; t < targetCount; t++) {
                int segment = segmentOf[sources[t]];
                int start = segments.get(segment).start();
                int length = sources[t] - start + 1;
                int end = segments.get(segment).end();
                while (start + length < end
                        && SeenPicture.seesAhead(tokens[start + length - 1])
                        && SeenPicture.seesAhead(tokens[start + length])) {
                    length++; // rows of pictures may see each other
                }
                needed[segment] = Math.max(needed[segment], length);
            }
            for (int i = segments.size() - 1; i >= 0; i--) {
                int parent = segments.get(i).parent();
                if (needed[i] != NOTHING && parent != ROOT) {
                    needed[parent] = segments.get(parent).length();
                }
                needed[i] = Math.max(needed[i], 0);
            }
            return needed;
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
