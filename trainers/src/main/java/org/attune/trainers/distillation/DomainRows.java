package org.attune.trainers.distillation;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.Sample;
import org.attune.trainers.examples.TrainingRow;
import org.attune.trainers.prepare.RowPreparation;
import org.attune.trainers.prepare.Shaped;

import java.util.Map;
import java.util.function.BiFunction;

/// Prepares rows that are taught by the teacher of their domain.
///
/// @param rows prepares them
/// @param teachers says which domains there are
/// @param keep gives a prepared row its columns
record DomainRows<T extends TrainingRow>(
        RowPreparation<T> rows, TeacherConfig teachers, BiFunction<T, Map<String, Object>, T> keep)
        implements RowPreparation<T> {
    @Override
    public BadRowPolicy onBadRow() {
        return rows.onBadRow();
    }

    /// @throws org.attune.error.DatasetException also of a row without a known domain
    @Override
    public Shaped<T> shape(Sample sample) {
        Map<String, Object> columns = sample.row().columns();
        teachers.teacherOf(columns);
        return switch (rows.shape(sample)) {
            case Shaped.Kept<T>(T row, int before, int after) ->
                    new Shaped.Kept<>(keep.apply(row, columns), before, after);
            case Shaped.Left<T> left -> left;
        };
    }

    @Override
    public long trained(T row) {
        return rows.trained(row);
    }

    @Override
    public String refusal() {
        return rows.refusal();
    }

    @Override
    public String limit() {
        return rows.limit();
    }
}
