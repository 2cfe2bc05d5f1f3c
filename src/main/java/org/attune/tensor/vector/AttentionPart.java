package org.attune.tensor.vector;

import java.util.ArrayList;
import java.util.List;

/// Consecutive queries of a segment, which a thread handles for one key/value head: a whole short
/// segment, a piece of a long one.
///
/// @param segment whose
/// @param from first of its rows
/// @param to one past the last
/// @param firstKey first of the segment's keys that any of them sees, or one of few before it
record AttentionPart(AttentionSegment segment, int from, int to, int firstKey) {
    private static final int ROUND = 32;

    /// Queries of a piece at least; and at most as many pieces of a segment. Each has gradients of
    /// all keys that it sees, which are added up in the end.
    private static final int LEAST = 1024;

    private static final int MOST_PIECES = 8;

    /// Pieces begin at multiples of it, keys too.
    private static final int STEP = 128;

    /// Items of work below which segments are cut finer, since threads would get unequal shares.
    /// Three heads of one row are two for one thread and one for the other.
    private static final int FEW = 8;

    /// Cuts segments into parts of about the same work, regardless of how many threads there are.
    ///
    /// @param window as of [AttentionKernel]
    /// @param heads items of work that a part becomes
    static List<AttentionPart> of(List<AttentionSegment> segments, int window, int heads) {
        List<AttentionPart> parts = cut(segments, window, LEAST, MOST_PIECES);
        return parts.size() * heads < FEW ? cut(segments, window, STEP, 2) : parts;
    }

    /// @param least queries of a piece
    private static List<AttentionPart> cut(
            List<AttentionSegment> segments, int window, int least, int mostPieces) {
        List<AttentionPart> parts = new ArrayList<>();
        for (AttentionSegment s : segments) {
            int step = Math.max(least, (s.length() + mostPieces - 1) / mostPieces);
            step = (step + STEP - 1) / STEP * STEP;
            for (int from = 0; from < s.length(); from += step) {
                int first = window > 0 ? Math.max(0, s.prefix() + from - window + 1) : 0;
                int to = Math.min(from + step, s.length());
                parts.add(new AttentionPart(s, from, to, first / STEP * STEP));
            }
        }
        return parts;
    }

    /// Queries.
    int length() {
        return to - from;
    }

    /// Keys, rounded up to what all kernels work on at once.
    int roundedKeys() {
        return (keys() + ROUND - 1) / ROUND * ROUND;
    }

    /// Position of the first query among the segment's keys, less [#firstKey].
    int position() {
        return segment.prefix() + from - firstKey;
    }

    /// Keys from [#firstKey] to the last that any query sees.
    int keys() {
        return segment.prefix() + to - firstKey;
    }

    /// Row of a query.
    int row(int query) {
        return segment.start() + from + query;
    }

    /// Does something with the rows of all keys in turn.
    void forEachRange(RangeAction action) {
        int key = -firstKey;
        int end = keys();
        for (int range = 0; range < segment.keyStarts().length && key < end; range++) {
            int first = segment.keyStarts()[range];
            int count = segment.keyEnds()[range] - first;
            int skipped = Math.clamp(-(long) key, 0, count);
            int taken = Math.min(count - skipped, end - (key + skipped));
            if (taken > 0) {
                action.accept(key + skipped, first + skipped, taken);
            }
            key += count;
        }
    }

    /// Receives the ranges of [#forEachRange].
    interface RangeAction {
        /// @param key number of the first, from [#firstKey] on
        /// @param row where it stands
        /// @param count as many, row after row
        void accept(int key, int row, int count);
    }
}
