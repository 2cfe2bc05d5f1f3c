package org.attune.trainers.opening;

import org.attune.trainers.batch.MixedRows;
import org.attune.trainers.examples.RowStream;
import org.attune.trainers.examples.TrainingRow;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.prepare.PreparationReport;

import java.util.List;
import java.util.function.Function;

/// Prepared rows of a run.
///
/// @param train rows to train on
/// @param evalSets held-out rows; empty or one set
/// @param report what preparation did to the training rows
public record RunRows<T>(List<T> train, List<EvalSet<T>> evalSets, PreparationReport report)
        implements AutoCloseable {
    public RunRows {
        train = MixedRows.unchanged(train);
        evalSets = List.copyOf(evalSets);
    }

    /// What is known of rows before a run: all of them, or the first block of a stream, which is
    /// closed.
    public static <R extends TrainingRow> RunRows<R> known(RunRows<R> rows) {
        List<R> known = RowStream.known(rows.train());
        rows.close();
        return new RunRows<>(known, rows.evalSets(), rows.report());
    }

    /// Ends the reading of rows that are streamed.
    @Override
    public void close() {
        if (train instanceof RowStream<?> stream) {
            stream.close();
        }
    }

    /// Changes each row to another type.
    public <U> RunRows<U> map(Function<T, U> change) {
        return new RunRows<>(
                train.stream().map(change).toList(),
                evalSets.stream()
                        .map(s -> new EvalSet<>(s.name(), s.rows().stream().map(change).toList()))
                        .toList(),
                report);
    }
}
