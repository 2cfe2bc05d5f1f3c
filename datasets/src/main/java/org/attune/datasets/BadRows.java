package org.attune.datasets;

import org.attune.datasets.LoadedDataset.Note;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.DatasetException;

import java.util.ArrayList;
import java.util.List;

/// The rows of a source that can't be used. If one ends the run, the others are counted first:
/// whether 1 or 900 of 1,000 rows are bad decides what to do.
final class BadRows {
    private static final int MOST_SKIPPED = 200_000;
    private static final int MOST_COUNTED = 1_000; // before the run ends

    private final DatasetSource source;
    private final BadRowPolicy policy;
    private final List<Note> notes = new ArrayList<>();
    private DatasetException first;
    private int count;

    BadRows(DatasetSource source, BadRowPolicy policy) {
        this.source = source;
        this.policy = policy;
    }

    /// @param usable rows before it
    /// @throws DatasetException if there are too many
    void add(RowOrigin origin, DatasetException fault, int usable) {
        first = first == null ? fault : first;
        count++;
        if (endRun()) {
            if (count == MOST_COUNTED) {
                throwIfEnding(usable);
            }
            return;
        }
        if (notes.size() == MOST_SKIPPED) {
            throw new DatasetException(
                    "%s: more than %d rows can't be used, the last: %s"
                            .formatted(source, MOST_SKIPPED, fault.getMessage()),
                    fault);
        }
        notes.add(new Note(origin, fault.getMessage()));
    }

    /// Whether the run ends because of bad rows.
    boolean endRun() {
        return policy == BadRowPolicy.ERROR && first != null;
    }

    /// @param usable rows beside them
    /// @throws DatasetException about the first one, with how many there are
    void throwIfEnding(int usable) {
        if (!endRun()) {
            return;
        }
        String many = count == MOST_COUNTED ? "at least " + count : String.valueOf(count);
        String others =
                count == 1
                        ? "it is the only row that can't be used"
                        : "it is the first of %s rows that can't be used".formatted(many);
        throw usable == 0
                ? first
                : new DatasetException(
                        "%s; %s, and %d can; on_bad_row: skip leaves such rows out"
                                .formatted(first.getMessage(), others, usable),
                        first);
    }

    /// The rows that are left out, as notes.
    List<Note> skipped() {
        return notes;
    }
}
