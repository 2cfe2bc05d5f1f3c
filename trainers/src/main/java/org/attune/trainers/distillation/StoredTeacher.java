package org.attune.trainers.distillation;

import org.attune.error.DatasetException;
import org.attune.policy.Teacher;
import org.attune.policy.TopTokens;
import org.attune.trainers.examples.CompletionExample;
import org.attune.trainers.examples.LikelyTokens;
import org.attune.trainers.examples.RowStream;
import org.attune.trainers.layout.CompletionForest;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// A teacher that isn't there: rows hold the likeliest tokens that it saw in each place. All others
/// are one more category, in both distributions.
record StoredTeacher() implements TeacherModel {
    @Override
    public Teacher read(CompletionForest forest, List<CompletionForest.Row> rows) {
        throw new IllegalStateException("rows hold what the teacher said");
    }

    /// What the teacher said of rows.
    static Teacher of(List<StudentRow> rows) {
        List<LikelyTokens> told = rows.stream().map(row -> row.told().orElseThrow()).toList();
        int[] ids =
                told.stream()
                        .flatMap(row -> Arrays.stream(row.tokens()))
                        .flatMapToInt(Arrays::stream)
                        .toArray();
        float[] logProbs = new float[ids.length];
        int at = 0;
        for (LikelyTokens row : told) {
            for (float[] place : row.logProbs()) {
                System.arraycopy(place, 0, logProbs, at, place.length);
                at += place.length;
            }
        }
        return new TopTokens(told.getFirst().count(), ids, logProbs, true);
    }

    /// Refuses rows of which some tell more tokens of a place than others.
    ///
    /// @throws DatasetException naming two of them
    static void requireEqual(List<CompletionExample> rows) {
        List<CompletionExample> known = RowStream.known(rows);
        for (CompletionExample row : known) {
            int count = known.getFirst().told().orElseThrow().count();
            int own = row.told().orElseThrow().count();
            if (own != count) {
                throw new DatasetException(
                        "%s tells of %d tokens in each place, %s of %d; accepted: as many in all rows"
                                .formatted(
                                        row.origin().where(),
                                        own,
                                        known.getFirst().origin().where(),
                                        count));
            }
        }
    }

    @Override
    public Map<String, String> identity() {
        return Map.of("teacher", "in the rows");
    }
}
