package org.attune.model.pass;

import org.attune.images.SeenPicture;

import java.util.Arrays;
import java.util.List;

/// Rows of pictures that stand side by side in a segment, of all rows of a pass. Segments begin and
/// end between such runs.
///
/// @param starts first row of the run of each row, itself if it is in none; null: there are none
/// @param ends   one past the last
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
record PictureRuns(int[] starts, int[] ends) {
    static final PictureRuns NONE = new PictureRuns(null, null);

    /// @throws IllegalStateException if a run lies in two segments
    static PictureRuns of(int[] tokens, List<Layout.Span> spans) {
        int[] starts = new int[tokens.length];
        int[] ends = new int[tokens.length];
        boolean some = false;
        for (Layout.Span span : spans) {
            requireWhole(tokens, span, spans);
            int end;
            for (int row = span.start(); row < span.end(); row = end) {
                end = row + 1;
                while (end < span.end()
                        && SeenPicture.seesAhead(tokens[row])
                        && SeenPicture.seesAhead(tokens[end])) {
                    end++;
                }
                Arrays.fill(starts, row, end, row);
                Arrays.fill(ends, row, end, end);
                some |= end > row + 1;
            }
        }
        return some ? new PictureRuns(starts, ends) : NONE;
    }

    private static void requireWhole(int[] tokens, Layout.Span span, List<Layout.Span> spans) {
        if (span.start() == span.end() || !SeenPicture.seesAhead(tokens[span.start()])) {
            return;
        }
        int parent = span.parent();
        while (parent >= 0 && spans.get(parent).start() == spans.get(parent).end()) {
            parent = spans.get(parent).parent();
        }
        if (parent >= 0 && SeenPicture.seesAhead(tokens[spans.get(parent).end() - 1])) {
            throw new IllegalStateException(
                    "rows of pictures that see each other are in two segments");
        }
    }

    boolean some() {
        return starts != null;
    }

    /// First row of the run of a row.
    int start(int row) {
        return starts == null ? row : starts[row];
    }

    /// One past the last row of the run of a row.
    int end(int row) {
        return ends == null ? row + 1 : ends[row];
    }

    /// Whether a row from `a` to `b` is in a run of several.
    boolean any(int a, int b) {
        for (int row = a; starts != null && row < b; row++) {
            if (ends[row] > starts[row] + 1) {
                return true;
            }
        }
        return false;
    }

    /// Whether two rows are in one run.
    boolean joins(int row, int other) {
        return other >= start(row) && other < end(row);
    }
}
