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
import java.util.stream.IntStream;

/// A teacher on a server, which tells probabilities of some tokens of each place. All others are
/// one more category, in both distributions, or are left out.
///
/// @param scores asks the server
/// @param told which tokens
/// @param count of the teacher's likeliest tokens
/// @param tail whether all others are one more category
/// @param vocabulary of the student
/// @param identity what tells it apart from others
record ServerTeacher(
        ServerScores scores,
        Told told,
        int count,
        boolean tail,
        int vocabulary,
        Map<String, String> identity)
        implements TeacherModel {
    /// Tokens of a place that are compared.
    enum Told {
        /// The teacher's likeliest.
        LIKELIEST,
        /// Its likeliest and the one that was written, which may be among them.
        BOTH,
        /// The one that was written.
        WRITTEN;

        /// How many there are, at most.
        ///
        /// @param likeliest how many of the teacher's likeliest would be told
        int count(int likeliest) {
            return switch (this) {
                case LIKELIEST -> likeliest;
                case BOTH -> likeliest + 1;
                case WRITTEN -> 1;
            };
        }
    }

    /// @param beta of the divergence
    /// @param vocabulary of the student
    /// @param longest most tokens of a sequence
    /// @throws RolloutException if the server should say which model it has, and doesn't
    static ServerTeacher of(TeacherConfig config, double beta, int vocabulary, int longest) {
        String url = config.teacherModelServerUrl().orElseThrow().replaceFirst("/+$", "");
        Told told = config.told(beta);
        int count = config.likeliest(beta);
        var connection =
                new ServerRollouts.Connection(
                        url.matches("https?://[^/]+") ? url + "/v1" : url,
                        config.teacherServerModel().orElse(""),
                        Duration.ofMillis((long) Math.ceil(1000 * config.teacherServerTimeout())),
                        config.teacherServerConcurrency(),
                        Optional.ofNullable(System.getenv(ServerRollouts.KEY_VARIABLE)),
                        Duration.ofSeconds(1));
        var scores = new ServerScores(connection, count, longest);
        return new ServerTeacher(
                scores,
                told,
                count,
                config.lossAddTail(),
                vocabulary,
                Map.of("teacher (on a server)", scores.model()));
    }

    /// @throws RolloutException if the server fails, tells tokens that the student doesn't have, or
    ///     doesn't tell one that was written
    @Override
    public Teacher read(CompletionForest forest, List<CompletionForest.Row> rows) {
        int wide = told.count(count);
        int targets = forest.forest().targetCount();
        int[] ids = new int[targets * wide];
        float[] logProbs = new float[targets * wide];
        int at = 0;
        for (Place place : places(rows)) {
            put(place, ids, logProbs, at);
            at += wide;
        }
        int largest = Arrays.stream(ids).max().orElse(0);
        if (largest >= vocabulary) {
            throw new RolloutException(
                    "the teacher's server tells token %d, the student has tokens 0 to %d; give a teacher with the student's vocabulary"
                            .formatted(largest, vocabulary - 1));
        }
        return new TopTokens(wide, ids, logProbs, tail);
    }

    /// @param temperature 1, which the server is asked for
    /// @throws RolloutException as [#read] does
    @Override
    public float[] logProbs(
            CompletionForest forest, List<CompletionForest.Row> rows, double temperature) {
        float[] logProbs = new float[forest.forest().targetCount()]; // (M)
        int at = 0;
        for (Place place : places(rows)) {
            logProbs[at++] = place.written();
        }
        return logProbs;
    }

    /// Asks the server about rows: places of their completions, in the order of targets.
    private List<Place> places(List<CompletionForest.Row> rows) {
        List<ServerScores.Asked> asked = rows.stream().flatMap(row -> asked(row).stream()).toList();
        List<ServerScores.Told> answers = scores.of(asked);
        List<Place> places = new ArrayList<>();
        for (int i = 0; i < asked.size(); i++) {
            int from = asked.get(i).from();
            int[] ids = asked.get(i).ids();
            for (int r = 0; from + r < ids.length; r++) {
                places.add(new Place(answers.get(i), r, ids[from + r]));
            }
        }
        return places;
    }

    /// A place of a completion.
    ///
    /// @param answer of the server about the sequence
    /// @param r the place in it
    /// @param stands the token that was written there
    private record Place(ServerScores.Told answer, int r, int stands) {
        /// Its log-probability.
        float written() {
            float logProb = answer.written()[r];
            if (Float.isNaN(logProb)) {
                throw new RolloutException(
                        "the teacher's server doesn't tell the log-probability of token %d, which was written; it must take prompt_logprobs as vLLM does, or set compared_tokens: likeliest"
                                .formatted(stands));
            }
            return logProb;
        }
    }

    /// Puts what is compared in a place.
    ///
    /// @param at where it is put
    private void put(Place place, int[] ids, float[] logProbs, int at) {
        int likeliest = told == Told.WRITTEN ? 0 : count;
        int from = place.r() * count;
        System.arraycopy(place.answer().ids(), from, ids, at, likeliest);
        System.arraycopy(place.answer().logProbs(), from, logProbs, at, likeliest);
        if (told == Told.LIKELIEST) {
            return;
        }
        int last = at + likeliest;
        boolean isAmong = IntStream.range(at, last).anyMatch(i -> ids[i] == place.stands());
        ids[last] = isAmong ? TopTokens.NONE : place.stands();
        logProbs[last] = place.written();
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
