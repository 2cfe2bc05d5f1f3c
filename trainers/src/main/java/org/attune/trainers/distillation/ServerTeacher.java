package org.attune.trainers.distillation;

import org.attune.error.RolloutException;
import org.attune.policy.Teacher;
import org.attune.policy.TopTokens;
import org.attune.rollout.source.ServerRollouts;
import org.attune.rollout.source.ServerScores;
import org.attune.trainers.layout.CompletionForest;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A teacher on a server, which tells its most probable tokens of each place. All others are one
/// more category, in both distributions.
///
/// @param scores asks the server
/// @param count tokens of a place, `K`
/// @param vocabulary of the student
/// @param identity what tells it apart from others
record ServerTeacher(ServerScores scores, int count, int vocabulary, Map<String, String> identity)
        implements TeacherModel {
    /// @param vocabulary of the student
    /// @param longest most tokens of a sequence
    static ServerTeacher of(TeacherConfig config, int vocabulary, int longest) {
        String url = config.teacherModelServerUrl().orElseThrow().replaceFirst("/+$", "");
        String model = config.teacherServerModel().orElseThrow();
        var connection =
                new ServerRollouts.Connection(
                        url.matches("https?://[^/]+") ? url + "/v1" : url,
                        model,
                        Duration.ofMillis((long) Math.ceil(1000 * config.teacherServerTimeout())),
                        config.teacherServerConcurrency(),
                        Optional.ofNullable(System.getenv(ServerRollouts.KEY_VARIABLE)),
                        Duration.ofSeconds(1));
        return new ServerTeacher(
                new ServerScores(connection, config.lossTopK(), longest),
                config.lossTopK(),
                vocabulary,
                Map.of("teacher (on a server)", model));
    }

    /// @throws RolloutException if the server fails, or tells tokens that the student doesn't have
    @Override
    public Teacher read(CompletionForest forest, List<CompletionForest.Row> rows) {
        List<ServerScores.Told> told =
                scores.of(rows.stream().flatMap(row -> asked(row).stream()).toList());
        int targets = forest.forest().targetCount();
        int[] ids = new int[targets * count];
        float[] logProbs = new float[targets * count];
        int at = 0;
        for (ServerScores.Told one : told) {
            System.arraycopy(one.ids(), 0, ids, at, one.ids().length);
            System.arraycopy(one.logProbs(), 0, logProbs, at, one.logProbs().length);
            at += one.ids().length;
        }
        int largest = Arrays.stream(ids).max().orElse(0);
        if (largest >= vocabulary) {
            throw new RolloutException(
                    "the teacher's server tells token %d, the student has tokens 0 to %d; give a teacher with the student's vocabulary"
                            .formatted(largest, vocabulary - 1));
        }
        return new TopTokens(count, ids, logProbs);
    }

    /// The sequences of a row, in the order of its targets.
    private static List<ServerScores.Asked> asked(CompletionForest.Row row) {
        List<int[]> sequences = row.sequences();
        int[] starts = row.starts();
        List<ServerScores.Asked> asked = new ArrayList<>();
        for (int i = 0; i < starts.length; i++) {
            asked.add(new ServerScores.Asked(sequences.get(i), starts[i]));
        }
        return asked;
    }
}
