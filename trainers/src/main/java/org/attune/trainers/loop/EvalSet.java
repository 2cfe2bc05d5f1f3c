package org.attune.trainers.loop;

import org.attune.trainers.examples.StoredRows;

import java.util.List;

/// Rows for evaluation.
///
/// @param name stands in its metrics, `eval_<name>_loss`; empty for the only set, `eval_loss`
/// @param rows prepared rows
public record EvalSet<T>(String name, List<T> rows) {
    public EvalSet {
        rows = StoredRows.unchanged(rows);
        if (rows.isEmpty()) {
            throw new IllegalArgumentException("evaluation set \"" + name + "\" has no rows");
        }
    }
}
